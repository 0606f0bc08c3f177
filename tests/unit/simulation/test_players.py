import os
import select
import subprocess
import sys
import textwrap

PARENT = """
    import multiprocessing, os, signal
    from aloft.simulation.players import end_with_parent

    def child():
        end_with_parent()
        print(os.getpid(), flush=True)
        signal.pause()

    multiprocessing.get_context("fork").Process(target=child).start()
    signal.pause()
"""


def test_a_player_ends_when_whoever_began_it_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PARENT)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = os.pidfd_open(int(parent.stdout.readline()))
        parent.kill()
        ended, _, _ = select.select([child], [], [], 30)
        os.close(child)
    assert ended, "the player still runs"

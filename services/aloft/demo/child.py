"""Runs a module as a program that dies with whoever started it: `python -m aloft.demo.child PARENT MODULE …`.

The kernel is asked for it here, after the start: asking between fork and exec is not safe where threads run.
"""

import ctypes
import os
import runpy
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with(parent: int) -> None:
    """Be killed when the parent ends, however it ends; end now if it has ended already."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        raise SystemExit(f"process {parent}, which started this one, has ended")


if __name__ == "__main__":
    parent, module = int(sys.argv[1]), sys.argv[2]
    die_with(parent)
    sys.argv = sys.argv[2:]
    runpy.run_module(module, run_name="__main__", alter_sys=True)

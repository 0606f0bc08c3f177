"""The `aloft` command: starts services, and talks to running ones through their public API alone.

`main.py` is the composition root; `serve.py` and `up.py` start services, `demo.py` shows the loop, the rest are thin
clients. Every client command takes `--json` and exits 0 (done), 1 (refused, the reason on standard error) or 2 (usage).
"""

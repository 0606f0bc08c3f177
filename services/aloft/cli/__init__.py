"""The `aloft` command: starts services, and talks to running ones through their public API alone.

`main.py` puts the commands together. `serve.py` starts services, `demo.py` shows the loop, the rest are thin
clients: each takes `--json`, and exits 0 (done), 1 (refused, the reason on standard error) or 2 (usage).
Those that ask every service also exit 3 (something is stuck) and 4 (a service cannot be reached).
"""

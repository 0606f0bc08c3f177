"""The real servers that the tests run against: how each is had, started, broken and ended.

Every server listens on loopback, on ports of its own, with data of its own, and ends with the process that
started it, however that process ends. `python -m tests.stack` gets them, and runs a set of them by hand.
"""

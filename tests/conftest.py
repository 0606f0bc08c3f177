"""What every test stands on: the real servers as fixtures, and chance that repeats itself."""

from hypothesis import settings

pytest_plugins = ["tests.stack.fixtures"]

# The same examples on every run: a failure is found again by running the test again. No deadline, because
# how long an example takes says more about the machine than about the code.
settings.register_profile("aloft", derandomize=True, deadline=None, database=None)
settings.load_profile("aloft")

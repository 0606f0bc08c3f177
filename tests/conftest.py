"""What every test stands on: the real servers as fixtures, and chance that repeats itself."""

import os

from hypothesis import settings

# Several workers share the cores, and threads that wait for one another spin. Torch, faiss and BLAS read it
# when they are loaded, here and in every process that a test starts.
os.environ.setdefault("OMP_NUM_THREADS", "1")

pytest_plugins = ["tests.stack.fixtures"]

# The same examples on every run: a failure is found again by running the test again. No deadline, because
# how long an example takes says more about the machine than about the code.
settings.register_profile("aloft", derandomize=True, deadline=None, database=None)
settings.load_profile("aloft")

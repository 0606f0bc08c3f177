"""How large the values of options may be: what the fields hold that they are sent in, and what is allowed."""

INT32 = 2**31 - 1
INT64 = 2**63 - 1
UINT64 = 2**64 - 1
HOURS = 3653 * 24
"""Ten years, the longest time that the label store takes."""
MINUTES = HOURS * 60
PORT = 65535 - 20
"""The highest first port of `aloft up`, whose last is 20 above it."""

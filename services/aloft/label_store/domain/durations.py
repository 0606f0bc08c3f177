"""How long a time that a client gives may be."""

from aloft.kit.clock import SECOND

LONGEST_US = 3653 * 24 * 3600 * SECOND
"""Ten years, with their leap days: far from where a time in microseconds overflows."""
TOO_LONG = "must be 10 years at most"

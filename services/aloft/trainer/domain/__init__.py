"""What the trainer speaks of and decides, as dataclasses and pure functions: no I/O, no torch."""

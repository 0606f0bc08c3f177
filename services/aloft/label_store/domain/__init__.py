"""What the label store decides, as pure functions: no database, no clock, no network."""

"""What an event or a call does, written against ports."""

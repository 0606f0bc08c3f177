"""Generated from `protos/aloft/api/events`."""

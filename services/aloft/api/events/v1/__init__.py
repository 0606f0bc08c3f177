"""Generated from `protos/aloft/api/events/v1`."""

"""Generated from `protos/aloft/api/labels`."""

"""Generated from `protos/aloft/api/trainer`."""

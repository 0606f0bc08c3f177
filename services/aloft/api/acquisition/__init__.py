"""Generated from `protos/aloft/api/acquisition`."""

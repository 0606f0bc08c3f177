"""Generated from `protos/aloft/api`."""

"""Generated from `protos/aloft/api/embedding`."""

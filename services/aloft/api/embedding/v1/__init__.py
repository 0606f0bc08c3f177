"""Generated from `protos/aloft/api/embedding/v1`."""

"""Generated from `protos/aloft/api/trainer/v1`."""

"""Generated from `protos/aloft/api/acquisition/v1`."""

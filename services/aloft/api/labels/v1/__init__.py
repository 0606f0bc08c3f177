"""Generated from `protos/aloft/api/labels/v1`."""

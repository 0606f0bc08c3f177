"""Generated from `protos/aloft/api/explanation/v1`."""

"""Generated from `protos/aloft/api/explanation`."""

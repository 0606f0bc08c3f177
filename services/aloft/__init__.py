"""Aloft: a good multi-label classifier of remote-sensing images from as few human labels as possible."""

__version__ = "0.1.0.dev0"

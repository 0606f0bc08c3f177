"""Reads images of the pool as they were registered, or says why one cannot be used.

Owns what makes an image unusable and the reading ahead in threads. NumPy and Pillow, no torch.
"""

from aloft.pool_images.ahead import Read, read_ahead
from aloft.pool_images.reader import ImageReader, PoolImage, Reason, Rejected

__all__ = ["ImageReader", "PoolImage", "Read", "Reason", "Rejected", "read_ahead"]

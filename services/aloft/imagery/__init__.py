"""What a network sees of an image: one code wherever bytes become arrays, in embedding, training and serving.

Owns the image specification, decoding within limits, resizing and normalising: NumPy and Pillow, no torch.
"""

from aloft.imagery.decode import Limits, decode
from aloft.imagery.errors import ImageError, TooLarge, Unreadable, WrongBands
from aloft.imagery.preprocess import preprocess
from aloft.imagery.spec import ImageSpec

__all__ = [
    "ImageError",
    "ImageSpec",
    "Limits",
    "TooLarge",
    "Unreadable",
    "WrongBands",
    "decode",
    "preprocess",
]

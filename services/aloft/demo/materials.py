"""What lies on the ground and how it reflects light, from blue to short-wave infrared."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

KNOTS_NM = (490, 560, 665, 842, 1610)
"""The wavelengths at which materials are described: blue, green, red, near and short-wave infrared."""

TWELVE_NM = (443, 490, 560, 665, 705, 740, 783, 842, 865, 945, 1610, 2190)
"""The wavelengths of twelve bands, those of Sentinel-2 that see the ground."""

MATERIALS: Mapping[str, tuple[int, int, int, int, int]] = {
    "grass": (72, 118, 96, 172, 118),
    "scrub": (78, 104, 100, 140, 120),
    "leaves": (40, 74, 44, 150, 72),
    "green crop": (62, 132, 74, 192, 104),
    "ripe crop": (92, 164, 184, 178, 162),
    "stubble": (96, 138, 166, 168, 188),
    "furrow": (74, 98, 118, 130, 160),
    "soil": (82, 116, 154, 168, 192),
    "rubble": (120, 132, 146, 156, 170),
    "sand": (146, 188, 208, 216, 222),
    "deep water": (98, 78, 42, 16, 8),
    "shallow water": (124, 116, 76, 28, 12),
    "foam": (206, 210, 208, 120, 40),
    "asphalt": (106, 106, 108, 114, 122),
    "concrete": (166, 170, 172, 180, 178),
    "ballast": (104, 108, 118, 126, 138),
    "red roof": (62, 80, 168, 160, 150),
    "grey roof": (118, 122, 124, 130, 140),
    "light roof": (188, 194, 198, 200, 188),
    "blue roof": (132, 96, 72, 96, 90),
    "panel": (78, 42, 34, 40, 62),
    "pool": (214, 198, 84, 22, 10),
    "tarpaulin": (190, 160, 70, 150, 120),
    "paint": (234, 238, 240, 232, 204),
    "red paint": (44, 42, 186, 180, 150),
    "blue paint": (176, 92, 44, 80, 70),
    "dark paint": (44, 42, 42, 48, 50),
    "rust": (58, 84, 132, 150, 160),
    "shadow": (42, 38, 34, 44, 32),
    "cloud": (232, 234, 236, 228, 190),
}
"""How bright each is at the knots, from 0 to 255."""

VEGETATION = ("grass", "scrub", "leaves", "green crop")
"""What turns brown as the year goes."""

WITHERED = (84, 116, 138, 150, 176)

NAMES = tuple(MATERIALS)


def spectra(bands: int) -> NDArray[np.float32]:
    """Give each material's brightness in each of 3 (red, green, blue) or 12 bands."""
    knots = np.array([*MATERIALS.values(), WITHERED], dtype=np.float32)
    if bands == 3:
        return np.ascontiguousarray(knots[:, 2::-1])
    if bands != 12:
        raise ValueError(f"scenes are drawn in 3 or 12 bands, not {bands}")
    return np.array([np.interp(TWELVE_NM, KNOTS_NM, row) for row in knots], dtype=np.float32)

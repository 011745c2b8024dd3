"""The user's own image under the figures, and where its pixels lie in the target; a stack as seen from each side."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..canvas import Extent, extent
from ..errors import InputError
from ..io.columns import normal_unit
from ..io.frame import in_pixels, ratio_of
from .pixels import Pixels, pixels_of
from .views import ORDERS

_MOST = 1600  # pixels along a side that a page shows
_UNNAMED = "unit"
_AXES = "xyz"


@dataclass(frozen=True, eq=False)
class Plane:
    """An image as it is drawn.

    Attributes
    ----------
    pixels : (y, x) or (y, x, 3 or 4)
        Rows go down.
    spacing, origin : (2,)
        Pixel size, and centre of the first pixel, to the right before down, target units.
    """

    pixels: np.ndarray
    spacing: tuple[float, float]
    origin: tuple[float, float]

    @property
    def edges(self) -> Extent:
        """Left, right, bottom and top, target units."""
        return extent(self.pixels.shape[1], self.pixels.shape[0], self.spacing, self.origin)


@dataclass(frozen=True, eq=False)
class Picture:
    """An image of the target, or a stack of it.

    Attributes
    ----------
    pixels : (y, x), (y, x, 3 or 4) or (z, y, x)
    spacing, origin : (d,)
        Pixel size, and centre of the first pixel, x before y before z, target units.
    bright : bool
        Whether the fiducials are brighter than what is around them: of a stack, whether its largest values are seen.
    """

    pixels: np.ndarray
    spacing: tuple[float, ...]
    origin: tuple[float, ...]
    bright: bool

    @property
    def corners(self) -> np.ndarray:
        """Two opposite ones, (2, d)."""
        d = len(self.spacing)
        count = np.array(self.pixels.shape[:d][::-1])
        low = np.array(self.origin) - 0.5 * np.array(self.spacing)
        return np.stack([low, low + count * self.spacing])

    @property
    def words(self) -> str:
        """How a stack is seen; nothing of a picture."""
        if len(self.spacing) == 2:
            return ""
        how, light = ("Maximum", "brighter") if self.bright else ("Minimum", "darker")
        return (f" Behind them: the image, looked at through the whole stack. {how} projection, since the fiducials are {light} "
                "than what is around them.")

    def seen(self, order: tuple[int, ...]) -> Plane:
        """The picture, or of a stack the largest or smallest value along the last axis of an order."""
        return self._planes[order]

    @cached_property
    def _planes(self) -> dict[tuple[int, ...], Plane]:
        return {order: self._plane(order) for order in ORDERS[len(self.spacing)]}

    def _plane(self, order: tuple[int, ...]) -> Plane:
        axes, pixels = order[:2], self.pixels
        if len(order) == 3:
            turned = np.moveaxis(pixels, (2 - axes[1], 2 - axes[0]), (0, 1))
            pixels = turned.max(-1) if self.bright else turned.min(-1)
        steps = [-(-side // _MOST) for side in pixels.shape[1::-1]]
        right, down = (self.spacing[k] * step for k, step in zip(axes, steps, strict=True))
        x, y = (self.origin[k] + 0.5 * (step - 1) * self.spacing[k] for k, step in zip(axes, steps, strict=True))
        return Plane(_thinned(pixels, *steps), (right, down), (x, y))


def picture_of(image: Any, points: np.ndarray, unit: str, spacing: Any = None, origin: Any = None,
               page: int | None = None, corner: bool = False) -> Picture:
    """An image as it is drawn under points.

    Parameters
    ----------
    image : array (y, x) or (z, y, x), or path of a TIFF file
    points : (n, d)
        The fiducials, target units.
    unit : str
        That of the target.
    spacing : float or (d,), optional
        Pixel size, x before y before z, in that unit. By default that of the file's OME or ImageJ metadata; 1 where the unit is a
        pixel.
    origin : float or (d,), optional
        Centre of the first pixel, in that unit.
    page : int, optional
        Of a file with several pages (2D) or channels (3D), the one to show; the first is 0.
    corner : bool
        Whether points count from the corner of the first pixel, so that its centre lies half a pixel from the origin.

    Raises
    ------
    InputError
        For a file that cannot be read, has no such page, or several and none was chosen; for a pixel size that is none, or that
        nobody tells; where no fiducial lies in the image.
    """
    d = points.shape[1]
    found = pixels_of(image, d, page)
    size = _size(found, unit, d) if spacing is None else _along("pixel size", spacing, d)
    if not min(size) > 0:
        raise InputError(f"the pixel size of the image is {spacing}: give a length above 0")
    start = tuple(0.5 * s * corner for s in size) if origin is None else _along("origin", origin, d)
    index = np.rint((points - start) / size).astype(int)
    inside = ((index >= 0) & (index < found.values.shape[:d][::-1])).all(-1)
    if not inside.any():
        reach = ", ".join(f"{axis} {a - 0.5 * s:g} to {a + (n - 0.5) * s:g}" for axis, a, s, n in
                          zip(_AXES, start, size, found.values.shape[:d][::-1], strict=False))
        raise InputError(f"no fiducial of the target lies in {found.name}, which reaches from {reach} {unit}: check --spacing "
                         "and --origin")
    return Picture(found.values, size, start, _bright(found.values, index[inside][:, ::-1]))


def _bright(values: np.ndarray, index: np.ndarray) -> bool:
    """Whether pixels with an index (k, d), of most fiducials, are brighter than half of the image."""
    at = values[tuple(index.T)]
    return bool(np.median(at) >= np.median(values[tuple(slice(None, None, max(1, n // 128)) for n in values.shape)]))


def _size(found: Pixels, unit: str, d: int) -> tuple[float, ...]:
    """The pixel size (d,) that a file tells, in a unit of the target."""
    if in_pixels(normal_unit(unit)):
        return (1.0,) * d
    if unit == _UNNAMED and not found.sizes:
        return (1.0,) * d
    if unit == _UNNAMED:
        size = ",".join(f"{size:g}" for size, _ in found.sizes)
        raise InputError(f"the target has no unit, and a pixel of {found.name} is {size} {found.sizes[0][1]} large: give "
                         "--spacing, which is 1 where the points are in pixels")
    if len(found.sizes) < d:
        along = f" along {_AXES[len(found.sizes)]}" if found.sizes else ""
        raise InputError(f"{found.name} does not tell how large its pixels are{along}, and the target is in {unit}: give "
                         f"--spacing, the pixel size in {unit} (spacing=... in Python)")
    ratios = [ratio_of(own, normal_unit(unit)) for _, own in found.sizes]
    if None in ratios:
        raise InputError(f"the pixels of {found.name} are measured in {found.sizes[0][1]}, and the target is in {unit}: give "
                         f"--spacing, the pixel size in {unit} (spacing=... in Python)")
    return tuple(size * float(ratio or 1.0) for (size, _), ratio in zip(found.sizes, ratios, strict=True))


def _along(name: str, value: Any, d: int) -> tuple[float, ...]:
    try:
        numbers = tuple(np.broadcast_to(np.asarray(value, float), d).tolist())
    except (TypeError, ValueError):
        raise InputError(f"the {name} of the image is {value!r}: give one number, or {('two', 'three')[d - 2]}, x before y"
                         ) from None
    if not np.isfinite(numbers).all():
        raise InputError(f"the {name} of the image is {value!r}: give finite numbers")
    return numbers


def _thinned(pixels: np.ndarray, across: int, down: int) -> np.ndarray:
    """Means over boxes of pixels; a rest that fills no box is left out."""
    if across == down == 1:
        return pixels
    height, width = pixels.shape[0] // down, pixels.shape[1] // across
    boxes = pixels[:height * down, :width * across].reshape(height, down, width, across, *pixels.shape[2:])
    return np.asarray(boxes.mean((1, 3)).astype(pixels.dtype))

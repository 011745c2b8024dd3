"""The user's own image under the figures: one page of a TIFF file, and where its pixels lie in the target."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..canvas import Extent, extent, read_image, read_tiff
from ..errors import InputError

_MOST = 1600  # pixels along a side that a page shows


@dataclass(frozen=True, eq=False)
class Picture:
    """An image of the target.

    Attributes
    ----------
    pixels : (y, x) or (y, x, 3 or 4)
    spacing, origin : (2,)
        Pixel size, and centre of the first pixel, x before y, target units.
    """

    pixels: np.ndarray
    spacing: tuple[float, ...]
    origin: tuple[float, ...]

    @property
    def edges(self) -> Extent:
        """Left, right, bottom and top, target units."""
        return extent(self.pixels.shape[1], self.pixels.shape[0], self.spacing, self.origin)

    @property
    def corners(self) -> np.ndarray:
        """Two opposite ones, (2, 2)."""
        left, right, bottom, top = self.edges
        return np.array([[left, top], [right, bottom]])


def picture_of(image: Any, spacing: Any = 1.0, origin: Any = 0.0, page: int | None = None) -> Picture:
    """An image as it is drawn: thinned by averaging no pixels away but those that a page cannot show.

    Parameters
    ----------
    image : (y, x) array or path of a TIFF file
    spacing, origin : float or (2,)
        Pixel size, and centre of the first pixel, x before y, target units.
    page : int, optional
        Of a file with several pages, the one to show; the first is 0.

    Raises
    ------
    InputError
        For a file that cannot be read, has no such page, or several and none was chosen; for a pixel size that is none.
    """
    pixels = read_image(_page(image, page))
    numbers = [_two(name, value) for name, value in (("pixel size", spacing), ("origin", origin))]
    if not min(numbers[0]) > 0:
        raise InputError(f"the pixel size of the image is {spacing}: give a length above 0")
    step = -(-max(pixels.shape[:2]) // _MOST)
    (sx, sy), (x, y) = numbers
    half = 0.5 * (step - 1)
    return Picture(_thinned(pixels, step), (step * sx, step * sy), (x + half * sx, y + half * sy))


def _thinned(pixels: np.ndarray, step: int) -> np.ndarray:
    """Means over squares of pixels; a rest that fills no square is left out."""
    if step == 1:
        return pixels
    height, width = (side // step for side in pixels.shape[:2])
    squares = pixels[:height * step, :width * step].reshape(height, step, width, step, *pixels.shape[2:])
    return np.asarray(squares.mean((1, 3)).astype(pixels.dtype))


def _two(name: str, value: Any) -> tuple[float, float]:
    try:
        x, y = np.broadcast_to(np.asarray(value, float), 2).tolist()
    except (TypeError, ValueError):
        raise InputError(f"the {name} of the image is {value!r}: give one number, or two, x before y") from None
    if not np.isfinite([x, y]).all():
        raise InputError(f"the {name} of the image is {value!r}: give finite numbers")
    return x, y


def _page(image: Any, page: int | None) -> Any:
    """The pixels of one page of a file; an array as it is."""
    if not isinstance(image, str | Path):
        return image

    def pick(file: Any) -> np.ndarray:
        pages = len(file.pages)
        if page is None and pages > 1:
            raise InputError(f"{image} holds {pages} pages: choose one with --page 0 to {pages - 1} (page=... in Python)")
        if page is not None and not 0 <= page < pages:
            raise InputError(f"{image} has no page {page}: give 0 to {pages - 1}")
        return np.asarray(file.pages[page or 0].asarray())

    return read_tiff(image, pick)

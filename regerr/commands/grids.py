"""Which pixels a map has, and the files it is written to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .. import ome_zarr
from ..errors import InputError, MissingExtraError
from ..files import check_free, write_file
from ..large_maps import SUFFIXES, LargeMap, Spread, pixels
from .numbers import along_axes

if TYPE_CHECKING:
    from ..error_map import ErrorMap
    from ..results import RegistrationResult

_LONGEST = {2: 512, 3: 96}  # pixels along the longest side of a map around the fiducials
_MARGIN = 0.25  # of the fiducials' extent, on each side
PICTURES = (".png", ".pdf", ".svg")
_PICTURED = 2**24  # pixels of a map that is held whole, for its picture


@dataclass(frozen=True)
class Grid:
    """Pixels of a map.

    Attributes
    ----------
    shape : (y, x) or (z, y, x)
    spacing, origin : (d,)
        Pixel size and centre of the first pixel, x before y before z, in the unit of the image.
    """

    shape: tuple[int, ...]
    spacing: tuple[float, ...]
    origin: tuple[float, ...]


def grid_of(result: RegistrationResult, size: str | None = None, spacing: str | None = None, origin: str | None = None,
            image: Path | None = None, space: str = "source") -> Grid:
    """The grid that texts describe: "512x512", "0.1" or "0.1,0.1,0.3", "0,0".

    Without a size it is that of the image; without an image too, some 500 pixels around the fiducials. The first pixel lies at
    zero, with its corner where the points count from there.

    Raises
    ------
    InputError
        For a text that is not of this form.
    """
    d = result.pairs.dimension
    steps = None if spacing is None else along_axes("--spacing", spacing, d)
    start = None if origin is None else along_axes("--origin", origin, d)
    sides = _pixels(size, d) if size is not None else None if image is None else _image_size(image, d)
    if sides is None:
        points = result.pairs.source if space == "source" else result.pairs.target
        return _around(points, steps, start)
    steps = steps or (1.0,) * d
    counted = result.pairs.source_origin if space == "source" else result.pairs.target_origin
    return Grid(sides[::-1], steps, start or tuple(0.5 * step * (counted == "corner") for step in steps))


def check_outputs(paths: Sequence[Path], force: bool) -> None:
    """Refuse, before anything is computed, files that exist and suffixes that say nothing."""
    for path in paths:
        if path.suffix.lower() not in (*PICTURES, *SUFFIXES):
            raise InputError(f"{path} ends in {path.suffix or 'no suffix'!r}: give {', '.join(SUFFIXES)} for values, or "
                             f"{', '.join(PICTURES)} for a picture")
        (ome_zarr.check_free if path.suffix.lower() == ".zarr" else check_free)(path, force)


def write_all(large: LargeMap, paths: Sequence[Path], image: Path | None = None, *, force: bool = False) -> Spread:
    """Write a map to each file: values block by block, or a picture of it; the spread of the values."""
    spreads = [large.save(path, force=force) for path in paths if path.suffix.lower() in SUFFIXES]
    pictures = [path for path in paths if path.suffix.lower() in PICTURES]
    if pictures:
        shown = _whole(large)
        spreads.append(Spread.of(shown))
        for path in pictures:
            _write_picture(shown, large.result, path, image, force)
    return spreads[0]


def _whole(large: LargeMap) -> ErrorMap:
    """The map as one array, on larger pixels where there are more of them than a picture has any use for."""
    step = 1
    while pixels(large.coarser(step).shape) > _PICTURED:
        step += 1
    shown = large.coarser(step)
    return shown.block(tuple(0 for _ in shown.shape), shown.shape)


def _write_picture(error_map: ErrorMap, result: RegistrationResult, path: Path, image: Path | None, force: bool) -> None:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("drawing a map needs the library matplotlib, which is not installed: install it with "
                                "pip install 'regerr[plot]'") from None
    from ..plotting import plot_map

    figure = Figure(figsize=(4.2, 3.6), dpi=200, layout="constrained")
    plot_map(error_map, result, figure.add_subplot(), image)
    write_file(path, lambda place: figure.savefig(place), force=force)


def _around(points: np.ndarray, spacing: tuple[float, ...] | None, origin: tuple[float, ...] | None) -> Grid:
    """Square pixels of a round size that cover the fiducials and a margin."""
    from ..error_map import round_number

    d = points.shape[1]
    low, high = points.min(0), points.max(0)
    margin = _MARGIN * float((high - low).max())
    step = round_number((float((high - low).max()) + 2 * margin) / _LONGEST[d])
    steps = np.array(spacing or (step,) * d)
    start = np.array(origin) if origin is not None else np.floor((low - margin) / steps) * steps
    count = np.maximum(np.ceil((high + margin - start) / steps), 1.0).astype(int) + 1
    return Grid(tuple(count[::-1].tolist()), tuple(steps.tolist()), tuple(start.tolist()))


def _image_size(image: Path, d: int) -> tuple[int, ...]:
    """Pixels of an image, x before y."""
    from ..canvas import read_image

    if d == 3:
        raise InputError(f"{image} is drawn below maps of 2D fiducials alone, and these are 3D: give the size of the volume with "
                         "--size")
    height, width = read_image(image).shape[:2]
    return width, height


def _pixels(text: str, d: int) -> tuple[int, ...]:
    """Numbers of pixels, x before y before z."""
    parts = text.lower().split("x")
    if len(parts) != d or not all(part.strip().isdigit() and int(part) > 0 for part in parts):
        wanted = "512x512" if d == 2 else "512x512x100"
        raise InputError(f"--size is {text!r}: give numbers of pixels along x, y{', z' if d == 3 else ''}, such as {wanted}")
    return tuple(int(part) for part in parts)

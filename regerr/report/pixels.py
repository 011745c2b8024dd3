"""The pixels of an image file and how large they are, from OME or ImageJ metadata."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..canvas import read_image, read_tiff
from ..errors import InputError
from ..io.columns import normal_unit
from ..ome_tiff import UNSAID, pixel_sizes, positive

_VOLUME = "ZYX"
_LAYERS = "IQ"  # what a file without metadata calls the axis of its pages


@dataclass(frozen=True, eq=False)
class Pixels:
    """One picture or stack.

    Attributes
    ----------
    name : str
        Of its file, for messages.
    values : (y, x), (y, x, 3 or 4) or (z, y, x) array
    sizes : tuple of (float, str)
        Along x, y[, z] as far as the file tells: the size of a pixel, and its unit.
    """

    name: str
    values: np.ndarray
    sizes: tuple[tuple[float, str], ...] = ()


def pixels_of(image: Any, dimension: int, page: int | None = None) -> Pixels:
    """A picture (y, x) or (y, x, 3 or 4) for 2D, a stack (z, y, x) for 3D, from an array or a TIFF file by its path.

    Parameters
    ----------
    image : array or path
    dimension : {2, 3}
    page : int, optional
        Of a file with several: which page in 2D, which channel or time in 3D; from 0.

    Raises
    ------
    InputError
        For a file that cannot be read, has no such page, or several and none was chosen; for a picture where a stack is needed.
    MissingExtraError
        For a path without tifffile.
    """
    if not isinstance(image, str | Path):
        return Pixels("the image", read_image(image) if dimension == 2 else _checked_stack("the image", np.asarray(image)))
    sizes: list[tuple[float, str]] = []

    def pick(file: Any) -> np.ndarray:
        sizes.extend(_sizes(file)[:dimension])
        return _page(str(image), file, page) if dimension == 2 else _stack(str(image), file, page)

    values = read_tiff(image, pick)
    return Pixels(str(image), read_image(values) if dimension == 2 else _checked_stack(str(image), values), tuple(sizes))


def _page(name: str, file: Any, page: int | None) -> np.ndarray:
    pages = len(file.pages)
    if page is None and pages > 1:
        raise InputError(f"{name} holds {pages} pages: choose one with --page 0 to {pages - 1} (page=... in Python)")
    if page is not None and not 0 <= page < pages:
        raise InputError(f"{name} has no page {page}: give 0 to {pages - 1}")
    return np.asarray(file.pages[page or 0].asarray())


def _stack(name: str, file: Any, channel: int | None) -> np.ndarray:
    """The volume (z, y, x) of one channel of the first series."""
    series = file.series[0]
    axes = series.axes
    if "Z" not in axes:
        axes = next((axes.replace(layer, "Z", 1) for layer in _LAYERS if layer in axes), axes)
    if not set(_VOLUME) <= set(axes):
        raise InputError(f"{name} is no stack, its axes are {series.axes} of {series.shape}: 3D fiducials need an image (z, y, "
                         "x)")
    values = np.moveaxis(series.asarray().reshape(series.shape), [axes.index(axis) for axis in _VOLUME], (-3, -2, -1))
    volumes = values.reshape(-1, *values.shape[-3:])
    count = len(volumes)
    if channel is None and count > 1:
        raise InputError(f"{name} holds {count} stacks (its axes are {series.axes}, of {series.shape}): choose one with --page 0 "
                         f"to {count - 1} (page=... in Python)")
    if channel is not None and not 0 <= channel < count:
        raise InputError(f"{name} has no stack {channel}: give 0 to {count - 1}")
    return np.asarray(volumes[channel or 0])


def _checked_stack(name: str, values: np.ndarray) -> np.ndarray:
    if values.ndim != 3 or not values.size or values.dtype.kind not in "buif":
        raise InputError(f"{name} has shape {values.shape} and type {values.dtype}: 3D fiducials need a stack (z, y, x)")
    return values


def _sizes(file: Any) -> list[tuple[float, str]]:
    """Size and unit of a pixel along x, y, z, as far as a file tells."""
    return _told([(size, unit or UNSAID) for size, unit in pixel_sizes(file.ome_metadata)]) or _of_imagej(file)


def _of_imagej(file: Any) -> list[tuple[float, str]]:
    found = file.imagej_metadata or {}
    tags = file.pages[0].tags
    steps = [tags[name].value for name in ("XResolution", "YResolution") if name in tags]
    unit = str(found.get("unit") or "")
    if not unit or len(steps) != 2:
        return []
    sizes = [positive(below / above if above else None) for above, below in steps]
    return _told([(size, unit) for size in (*sizes, positive(found.get("spacing")))])


def _told(sizes: list[tuple[float | None, str]]) -> list[tuple[float, str]]:
    """The sizes up to the first that is missing; none where they are in pixels."""
    out: list[tuple[float, str]] = []
    for size, unit in sizes:
        if size is None or normal_unit(unit) in ("px", "voxel", "reference frame", ""):
            break
        out.append((size, normal_unit(unit)))
    return out

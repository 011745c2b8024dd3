"""Images from files: the pixels of one channel with their size, from TIFF, OME-TIFF and HDF5."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, MissingExtraError
from ..ome_tiff import UNSAID, pixel_sizes

_HDF5 = b"\x89HDF\r\n\x1a\n"
_UNITS = {"pixel": "px", "reference frame": "px", "um": "µm", "\N{GREEK SMALL LETTER MU}m": "µm", "micron": "µm", "": "px"}


@dataclass(frozen=True, eq=False)
class ImageFile:
    """One channel of an image file.

    Attributes
    ----------
    pixels : (y, x) or (z, y, x) array
    spacing : tuple of float
        Size of a voxel along x, y[, z].
    unit : str
        "px" when the file does not say.
    """

    pixels: np.ndarray
    spacing: tuple[float, ...]
    unit: str


def read_image(path: str | Path, page: int | None = None) -> ImageFile:
    """Read one channel.

    Parameters
    ----------
    path : str or path
        A TIFF, OME-TIFF or HDF5 file.
    page : int, optional
        Which page (TIFF) or which image of several (channels, HDF5), counted from 0; needed where there are several.

    Raises
    ------
    InputError
        When the file cannot be read, or holds several images and none was chosen.
    MissingExtraError
        Without tifffile or h5py.
    """
    place = Path(path)
    try:
        with place.open("rb") as file:
            head = file.read(8)
    except OSError as fault:
        raise InputError(f"{place} cannot be read ({fault.strerror or fault}): check the path") from None
    if page is not None and (isinstance(page, bool) or not isinstance(page, int) or page < 0):
        raise InputError(f"page is {page!r}: give a whole number, 0 for the first")
    return _read_hdf5(place, page) if head == _HDF5 else _read_tiff(place, page)


def _read_tiff(path: Path, page: int | None) -> ImageFile:
    try:
        import tifffile
    except ImportError:
        raise MissingExtraError(f"reading {path} needs the library tifffile, which is not installed: install it with "
                                "pip install 'regerr[io]'") from None
    try:
        with tifffile.TiffFile(path) as tiff:
            size = _ome_size(tiff.ome_metadata)
            if page is not None:
                pixels = _page(path, tiff, page)
            else:
                series = tiff.series[0]
                pixels = _single(path, series.asarray(), series.axes, len(tiff.pages))
    except InputError:
        raise
    except ValueError as fault:
        if "imagecodecs" not in str(fault):
            raise _unreadable(path, fault) from None
        raise MissingExtraError(f"{path} is compressed in a way that needs the library imagecodecs, which is not installed: "
                                "install it with pip install imagecodecs, or save the image without compression") from None
    except Exception as fault:  # whatever a damaged file makes of its reader
        raise _unreadable(path, fault) from None
    spacing, unit = size if size is not None and pixels.ndim <= len(size[0]) else ((1.0,) * pixels.ndim, "px")
    return ImageFile(pixels, spacing[: pixels.ndim], unit)


def _unreadable(path: Path, fault: Exception) -> InputError:
    said = (str(fault) or type(fault).__name__).splitlines()[0]
    return InputError(f"{path} cannot be read as a TIFF image ({said}): give a TIFF or HDF5 file")


def _page(path: Path, tiff: Any, page: int) -> np.ndarray:
    if page >= len(tiff.pages):
        raise InputError(f"page is {page} and {path} holds {len(tiff.pages)} pages: give 0 to {len(tiff.pages) - 1}")
    return np.squeeze(tiff.pages[page].asarray())


def _single(path: Path, pixels: np.ndarray, axes: str, pages: int) -> np.ndarray:
    """A picture or a volume; several channels, times or colours are refused."""
    kept = [(axis, n) for axis, n in zip(axes, pixels.shape, strict=True) if n > 1]
    odd = [f"{n} along {axis!r}" for axis, n in kept if axis not in "ZYXIQ"]
    if odd or len(kept) not in (2, 3):
        what = ", ".join(odd) or f"{pages} pages of shape {pixels.shape}"
        raise InputError(f"{path} holds several images ({what}): choose one with --page, 0 to {pages - 1} (page= in Python)")
    return np.squeeze(pixels)


def _ome_size(text: str | None) -> tuple[tuple[float, ...], str] | None:
    """Voxel size x, y, z and its unit from OME metadata; None when it is not there."""
    told = pixel_sizes(text)
    (x, said), (y, _), (z, own) = told or [(None, None)] * 3
    if x is None or y is None:
        return None
    unit = UNSAID if said is None else said
    return ((x, y) if z is None or own not in (None, unit) else (x, y, z)), _UNITS.get(unit, unit)


def _read_hdf5(path: Path, page: int | None) -> ImageFile:
    try:
        import h5py
    except ImportError:
        raise MissingExtraError(f"reading {path} needs the library h5py, which is not installed: install it with "
                                "pip install 'regerr[io]'") from None
    found: list[str] = []

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.dtype.kind in "uif" and sum(n > 4 for n in item.shape) in (2, 3):
            found.append(name)

    try:
        with h5py.File(path) as file:
            file.visititems(_named(visit))
            name = _chosen(path, found, page)
            pixels = np.squeeze(np.asarray(file[name][()]))
    except OSError as fault:
        raise InputError(f"{path} cannot be read as HDF5 ({str(fault).splitlines()[0]}): give a TIFF or HDF5 file") from None
    return ImageFile(pixels, (1.0,) * pixels.ndim, "px")


def _named(visit: Callable[[str, Any], None]) -> Callable[[str, Any], None]:
    return visit


def _chosen(path: Path, names: list[str], page: int | None) -> str:
    """The only image of a file, or that of a number."""
    if not names:
        raise InputError(f"{path} holds no image: give a file with one array (y, x) or (z, y, x)")
    if (len(names) > 1) if page is None else (page >= len(names)):
        listed = ", ".join(f"{i} {name}" for i, name in enumerate(names[:8]))
        raise InputError(f"{path} holds {len(names)} images: choose one with --page ({listed})")
    return names[page or 0]

"""Maps that are never held whole: computed block by block while they are written, so that memory does not grow with them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .error_map import ErrorMap, error_map
from .errors import InputError
from .progress import watched

if TYPE_CHECKING:
    from .results import RegistrationResult

BLOCK = 2**20  # pixels of a block: 4 MB of values, and as much beside them while they are computed
SUFFIXES = (".tif", ".tiff", ".zarr")

Corner = tuple[int, ...]


@dataclass(frozen=True)
class Spread:
    """What is said of a map's values.

    Attributes
    ----------
    least, most : float
        Of the finite ones; NaN when there are none.
    unbounded, extrapolated : float
        Shares of the pixels, 0 to 1.
    """

    least: float
    most: float
    unbounded: float
    extrapolated: float

    @classmethod
    def of(cls, made: ErrorMap) -> Spread:
        """That of a map, or of a block of one."""
        finite = made.values[np.isfinite(made.values)]
        least, most = (float(finite.min()), float(finite.max())) if finite.size else (math.nan, math.nan)
        return cls(least, most, 1.0 - finite.size / made.values.size, float(made.extrapolated.mean()))

    def joined(self, other: Spread, share: float) -> Spread:
        """That of both, the other being that share of all pixels."""
        return Spread(float(np.fmin(self.least, other.least)), float(np.fmax(self.most, other.most)),
                      self.unbounded + share * other.unbounded, self.extrapolated + share * other.extrapolated)


@dataclass(frozen=True, eq=False)
class LargeMap:
    """The map that `RegistrationResult.error_map` makes of the same arguments, one block at a time.

    Attributes
    ----------
    result : RegistrationResult
        Of one dataset.
    shape : (y, x) or (z, y, x)
    spacing, origin : float or (d,)
        Pixel size, and centre of the first pixel, x before y before z, in the unit of the image.
    options : dict
        ``kind``, ``quantity``, ``level`` and ``image`` of `RegistrationResult.error_map`.

    Raises
    ------
    InputError, UndeterminedError
        As `RegistrationResult.error_map` does.
    """

    result: RegistrationResult
    shape: tuple[int, ...]
    spacing: Any = 1.0
    origin: Any = 0.0
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _ = self.header

    @cached_property
    def header(self) -> ErrorMap:
        """The map with all that is known of it but its values, which are NaN and take no memory."""
        d = self.result.pairs.dimension
        one = tuple(1 for _ in self.shape) if len(self.shape) == d and min(self.shape) >= 1 else self.shape
        first = error_map(self.result, one, spacing=self.spacing, origin=self.origin, **self.options)
        return replace(first, values=np.broadcast_to(np.float32(np.nan), self.shape))

    def block(self, start: Corner, size: Corner) -> ErrorMap:
        """The map of some pixels: from ``start``, ``size`` of them along each axis, (z,) y, x."""
        made = self.header
        origin = np.array(made.origin) + np.array(start[::-1]) * made.spacing
        return error_map(self.result, size, spacing=made.spacing, origin=origin, **self.options)

    def blocks(self, size: Corner, title: str = "Map") -> Iterator[tuple[Corner, ErrorMap]]:
        """All blocks of at most that size, the last axis fastest: where each begins, and its map; watched by who waits."""
        corners = list(product(*(range(0, whole, step) for whole, step in zip(self.shape, size, strict=True))))
        for start in watched(corners, title):
            yield start, self.block(start, tuple(min(step, whole - first) for step, whole, first in
                                                 zip(size, self.shape, start, strict=True)))

    def coarser(self, step: int) -> LargeMap:
        """The same field on pixels that are so many times as large, the last ones cut off at its edge by less than one."""
        made = self.header
        spacing = np.array(made.spacing)
        origin = np.array(made.origin) + 0.5 * (step - 1) * spacing
        return LargeMap(self.result, tuple(-(-side // step) for side in self.shape), step * spacing, origin, self.options)

    def save(self, path: str | Path, *, force: bool = False) -> Spread:
        """Write a float32 OME-TIFF (``.tif``) or OME-Zarr (``.zarr``), and tell the spread of its values.

        Raises
        ------
        InputError
            For another suffix, for what exists when ``force`` is false, and for what cannot be written; nothing is left half
            written.
        MissingExtraError
            Without tifffile, or zarr.
        """
        from . import ome_tiff, ome_zarr

        place = Path(path)
        suffix = place.suffix.lower()
        if suffix not in SUFFIXES:
            raise InputError(f"{place} ends in {suffix or 'no suffix'!r}: give {', '.join(SUFFIXES)}")
        return (ome_zarr if suffix == ".zarr" else ome_tiff).write_blocks(self, place, force=force)


def pixels(shape: Corner) -> int:
    """Pixels of a map."""
    return math.prod(shape)

"""An error map as an OME-Zarr (NGFF 0.4): float32 in chunks, with pixel size, origin and unit, at several resolutions.

Each coarser level is the map itself on larger pixels, not an average of smaller ones: every value is exact where it stands. Of a
map that is held as an array, it has every second, fourth, ... of its pixels.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from .errors import InputError, MissingExtraError
from .ome_tiff import ome_unit

if TYPE_CHECKING:
    from .error_map import ErrorMap
    from .large_maps import Spread

_CHUNK = {2: (1024, 1024), 3: (16, 256, 256)}  # pixels of a chunk, (z,) y, x
_SMALL = 256  # pixels along the longest side of the coarsest level
_UNITS = {"pm": "picometer", "nm": "nanometer", "µm": "micrometer", "mm": "millimeter", "cm": "centimeter", "m": "meter",
          "Å": "angstrom"}


class Levelled(Protocol):
    """A map that can be had in blocks, and on larger pixels."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Pixels, (z,) y, x."""
        ...

    @property
    def header(self) -> ErrorMap:
        """All that is known of it but, perhaps, its values."""
        ...

    def blocks(self, size: tuple[int, ...], title: str) -> Iterator[tuple[tuple[int, ...], ErrorMap]]:
        """Where each block begins, and its map."""
        ...

    def coarser(self, step: int) -> Levelled:
        """The same field on pixels that are so many times as large."""
        ...


@dataclass(frozen=True, eq=False)
class Held:
    """A map whose values are there.

    Attributes
    ----------
    header : ErrorMap
    """

    header: ErrorMap

    @property
    def shape(self) -> tuple[int, ...]:
        return self.header.values.shape

    def blocks(self, size: tuple[int, ...], title: str) -> Iterator[tuple[tuple[int, ...], ErrorMap]]:
        for start in product(*(range(0, whole, step) for whole, step in zip(self.shape, size, strict=True))):
            values = self.header.values[tuple(slice(a, a + n) for a, n in zip(start, size, strict=True))]
            origin = np.array(self.header.origin) + np.array(start[::-1]) * self.header.spacing
            yield start, replace(self.header, values=values, origin=tuple(origin.tolist()))

    def coarser(self, step: int) -> Held:
        values = self.header.values[tuple(slice(None, None, step) for _ in self.shape)]
        return Held(replace(self.header, values=values, spacing=tuple(step * s for s in self.header.spacing)))


def write(error_map: ErrorMap, path: Path, *, force: bool = False) -> None:
    """Write a map that is held; raises as `write_blocks`."""
    write_blocks(Held(error_map), path, force=force)


def write_blocks(large: Levelled, path: Path, *, force: bool = False) -> Spread:
    """Write all levels of a map, chunk by chunk, under a temporary name; then rename the folder.

    Raises
    ------
    InputError
        When there is something of that name and ``force`` is false, or when it is no OME-Zarr; when it cannot be written.
    MissingExtraError
        Without zarr.
    """
    check_free(path, force)
    try:
        import zarr
    except ImportError:
        raise MissingExtraError("writing an OME-Zarr needs the library zarr, which is not installed: install it with "
                                "pip install 'regerr[io]'") from None
    spreads: list[Spread] = []

    def fill(place: Path) -> None:
        group = zarr.open_group(str(place), mode="w", zarr_format=2)
        levels = levels_of(large)
        spreads.extend(_fill(group, str(k), level) for k, level in enumerate(levels))
        group.attrs.update(metadata(levels, spreads[0]))

    _write_folder(path, fill)
    return spreads[0]


def check_free(path: Path, force: bool) -> None:
    """Refuse what exists: without ``force`` everything, and with it all but an OME-Zarr."""
    if path.exists() and not force:
        raise InputError(f"{path} already exists: choose another name, or overwrite it with --force (force=True in Python)")
    if path.exists() and not any((path / name).is_file() for name in (".zgroup", "zarr.json")):
        raise InputError(f"{path} is no OME-Zarr and is left alone: choose another name")


def levels_of(large: Levelled) -> list[Levelled]:
    """The map, then the same on pixels two, four, ... times as large, until it is small."""
    levels = [large]
    while max(levels[-1].shape) > _SMALL:
        levels.append(large.coarser(2 ** len(levels)))
    return levels


def metadata(levels: list[Levelled], spread: Spread) -> dict[str, Any]:
    """What viewers read: axes with their units, each level's pixel size and origin, and how bright to show it."""
    made = levels[0].header
    unit = _UNITS.get(ome_unit(made.grid_unit))
    axes = [{"name": axis, "type": "space"} | ({} if unit is None else {"unit": unit}) for axis in "zyx"[-made.dimension:]]
    window = {"min": 0.0, "max": _finite(spread.most), "start": _finite(spread.least), "end": _finite(spread.most)}
    return {"multiscales": [{"version": "0.4", "name": made.label, "axes": axes, "type": "sampled",
                             "datasets": [_dataset(str(k), level.header) for k, level in enumerate(levels)]}],
            "omero": {"version": "0.4", "channels": [{"label": made.label, "color": "FFFFFF", "active": True, "window": window}]},
            "regerr": {"label": made.label, "unit": made.unit, "grid_unit": made.grid_unit, "image": made.image,
                       "kind": made.kind, "quantity": made.quantity, "level": made.level, "how": made.how}}


def _dataset(path: str, made: ErrorMap) -> dict[str, Any]:
    return {"path": path, "coordinateTransformations": [{"type": "scale", "scale": list(made.spacing[::-1])},
                                                        {"type": "translation", "translation": list(made.origin[::-1])}]}


def _finite(value: float) -> float:
    """A number that JSON has."""
    return value if np.isfinite(value) else 0.0


def _fill(group: Any, name: str, level: Levelled) -> Spread:
    """Write one level; the spread of its values."""
    import numcodecs

    from .large_maps import Spread, pixels

    chunk = tuple(min(step, side) for step, side in zip(_CHUNK[len(level.shape)], level.shape, strict=True))
    array = group.create_array(name, shape=level.shape, chunks=chunk, dtype="float32", fill_value=float("nan"),
                               compressors=numcodecs.Blosc(cname="zstd", clevel=3, shuffle=numcodecs.Blosc.SHUFFLE),
                               chunk_key_encoding={"name": "v2", "separator": "/"})
    spread = Spread(np.nan, np.nan, 0.0, 0.0)
    for start, made in level.blocks(chunk, "OME-Zarr" if name == "0" else f"OME-Zarr, level {name}"):
        array[tuple(slice(a, a + n) for a, n in zip(start, made.values.shape, strict=True))] = made.values
        spread = spread.joined(Spread.of(made), pixels(made.values.shape) / pixels(level.shape))
    return spread


def _write_folder(path: Path, fill: Callable[[Path], None]) -> None:
    """Let ``fill`` write a folder of another name beside ``path``, then rename it; nothing is left half written."""
    try:
        with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=path.parent) as beside:
            place = Path(beside) / path.name
            fill(place)
            if path.exists():
                os.replace(path, Path(beside) / f"old-{path.name}")
            shutil.move(place, path)
    except OSError as fault:
        raise InputError(f"cannot write {path} ({fault.strerror or fault}): choose another place, or free some space") from None

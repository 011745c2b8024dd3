"""The expected deviation, or the size of the region, over an image or a volume.

Image arrays are indexed z, y, x and points are x, y, z: this module is where the two meet. Pixel ``[j, i]`` has its *centre* at
``origin + spacing * (i, j)``.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import Failure, InputError, UndeterminedError
from .hull import beyond_hull
from .predictions import checked_kind, checked_level
from .quadratic import Function, quadratic_of

if TYPE_CHECKING:
    from .results import RegistrationResult

QUANTITIES = ("rms", "radius")
IMAGES = ("source", "target")
KIND_WORDS = {"tre": "TRE", "lre": "LRE", "observation": "observation"}
_ROWS = 65536  # pixels asked of a prediction at a time
_ROUND = (1.0, 2.0, 5.0, 10.0)


@dataclass(frozen=True, eq=False)
class ErrorMap:
    """How far predicted points may lie from the truth, at each pixel of an image or volume.

    Attributes
    ----------
    values : (y, x) or (z, y, x) float32
        Lengths in the target's unit; infinite where the region is unbounded.
    spacing, origin : (d,) tuple of float
        Pixel size, and the centre of the first pixel, x before y before z, in ``grid_unit``.
    unit : str
        Unit of the values: that of the target, where a prediction lands.
    grid_unit : str
        Unit of the image the grid lies in.
    kind : {"tre", "lre", "observation"}
    quantity : {"rms", "radius"}
        Root mean square length of the deviation, or the largest semi-axis of the Wald ellipsoid at ``level``.
    level : float or None
        Nominal level of the region; None for "rms".
    image : {"source", "target"}
        The image in which the grid lies.
    fiducials : (n, d)
        The fiducials in that image, x before y before z.
    how : str
        Model, noise assumed, and number of fiducials, in words.
    """

    values: np.ndarray
    spacing: tuple[float, ...]
    origin: tuple[float, ...]
    unit: str
    grid_unit: str
    kind: str
    quantity: str
    level: float | None
    image: str
    fiducials: np.ndarray
    how: str

    @property
    def dimension(self) -> int:
        """2 or 3."""
        return self.values.ndim

    @property
    def label(self) -> str:
        """What the values are, with their unit, such as ``TRE, r.m.s. (nm)``."""
        what = "r.m.s." if self.level is None else f"{100 * self.level:g} % radius"
        return f"{KIND_WORDS[self.kind]}, {what} ({self.unit})"

    def pixel(self, points: Any) -> np.ndarray:
        """Points (..., d) of the image, x before y before z, as fractional pixel numbers in the same order."""
        return (np.asarray(points, float) - self.origin) / self.spacing

    def at(self, points: Any) -> np.ndarray:
        """Values at points (m, d) of the image, by linear interpolation between pixel centres: (m,) float64.

        Raises
        ------
        InputError
            For points outside the pixels of the map.
        """
        d, ends = self.dimension, np.array(self.values.shape[::-1]) - 1.0
        x = np.asarray(points, float)
        if x.ndim != 2 or x.shape[-1] != d:
            raise InputError(f"points have shape {x.shape}: give (m, {d}), one row per point, x before y before z")
        u = self.pixel(x)
        outside = np.flatnonzero(~((u >= -0.5) & (u <= ends + 0.5)).all(-1))
        if len(outside):
            raise InputError(f"point {outside[0] + 1} of {len(x)}, at {tuple(x[outside[0]].tolist())}, lies outside the map: "
                             "give points of the image, or make a larger map")
        return _interpolated(self.values, np.clip(u, 0.0, ends))

    def contour_levels(self, count: int = 5) -> np.ndarray:
        """About so many round values, 1, 2 or 5 times a power of ten apart, between the least and the largest finite value."""
        return round_levels(self.values, count)

    @cached_property
    def extrapolated(self) -> np.ndarray:
        """Where the transformation is extrapolated, bool, in the shape of the values.

        A pixel counts as inside when its square (its box) touches the convex hull of the fiducials: so fiducials on a line, or
        in a plane of a volume, have an inside of one pixel's breadth.
        """
        outside = beyond_hull(self.pixel(self.fiducials), self.values.shape)
        outside.flags.writeable = False
        return outside

    def save(self, path: str | Path, *, force: bool = False) -> None:
        """Write a float32 OME-TIFF, or an OME-Zarr where the name ends in ``.zarr``, with pixel size, origin and unit.

        Raises
        ------
        InputError
            When the file exists and ``force`` is false, or when it cannot be written; nothing is left half written.
        MissingExtraError
            Without tifffile, or zarr (of the extra ``io``).
        """
        from . import ome_tiff, ome_zarr

        place = Path(path)
        (ome_zarr if place.suffix.lower() == ".zarr" else ome_tiff).write(self, place, force=force)


def error_map(result: RegistrationResult, shape: tuple[int, ...], *, spacing: Any = 1.0, origin: Any = 0.0, kind: str = "tre",
              quantity: str = "rms", level: float | None = None, image: str = "source") -> ErrorMap:
    """Map the expected deviation, or the size of the region, over an image or volume.

    Parameters
    ----------
    result : RegistrationResult
        Of one dataset.
    shape : (y, x) or (z, y, x)
        Pixels of the image, as `numpy.ndarray.shape` gives them.
    spacing, origin : float or (d,)
        Pixel size, and the centre of the first pixel, x before y before z, in the unit of the image.
    kind : {"tre", "lre", "observation"}
        Which question is asked (theory, section 2).
    quantity : {"rms", "radius"}
        The r.m.s. length of the deviation, or the largest semi-axis of the Wald ellipsoid (theory, section 17); infinite where
        that is unbounded.
    level : float, optional
        Nominal level of the radius, 0.95 by default.
    image : {"source", "target"}
        The image in which the grid lies; pixels of the target are taken back by the inverse transformation.

    Raises
    ------
    InputError
        With all faults of the arguments in one sentence.
    UndeterminedError
        For a dataset without a fit.
    """
    faults: list[str] = []
    if result.pairs.batch_shape:
        raise InputError(f"these are {result.failure.size} registrations, a batch of shape {result.pairs.batch_shape}, and a map "
                         "shows one: use result[i].error_map(...)")
    d = result.pairs.dimension
    size = _shape(shape, d, faults)
    step = _numbers("spacing", spacing, d, faults)
    start = _numbers("origin", origin, d, faults)
    if not (step > 0).all():
        faults.append(f"spacing is {spacing}: give a pixel size above 0")
    chosen = _level(quantity, level, faults)
    _check(lambda: checked_kind(kind, result.estimator), faults)
    if image not in IMAGES:
        faults.append(f"image is {image!r}: use 'source' or 'target', the image in which the grid lies")
    if faults:
        raise InputError("; ".join(faults))
    if result.failure:
        raise UndeterminedError(f"there is no registration to map: {Failure(int(result.failure)).sentence}")
    values = _values(_squares(result, kind, chosen, step, start, image), _centre(result, step, start, image), size,
                     result.estimator.quadratic)
    pairs = result.pairs
    return ErrorMap(values, tuple(step.tolist()), tuple(start.tolist()), pairs.target_unit,
                    pairs.source_unit if image == "source" else pairs.target_unit, kind, quantity, chosen, image,
                    pairs.source if image == "source" else pairs.target, _how(result))


def round_levels(values: np.ndarray, count: int) -> np.ndarray:
    """About ``count`` values, 1, 2 or 5 times a power of ten apart, strictly inside the finite range of an array."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    if not high - low > 1e-6 * high:
        return np.empty(0)
    step = round_number((high - low) / max(count, 1))
    inside = np.arange(np.ceil(low / step), np.floor(high / step) + 1.0) * step
    return inside[(inside > low) & (inside < high)]


def round_number(value: float) -> float:
    """Of 1, 2 and 5 times the powers of ten the nearest to a positive value, by ratio."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(min((r * power for r in _ROUND), key=lambda candidate: abs(np.log(candidate / value))))


def _squares(result: RegistrationResult, kind: str, level: float | None, spacing: np.ndarray, origin: np.ndarray,
             image: str) -> Function:
    """The square of the mapped quantity at pixel numbers (m, d), x before y before z."""
    back = None if image == "source" else result.transform.inverse()

    def squares(pixels: np.ndarray) -> np.ndarray:
        points = origin + spacing * pixels
        prediction = result.predict(points if back is None else back.apply(points), kind)
        lengths = prediction.rms if level is None else prediction.region(level, "wald").radius  # type: ignore[attr-defined]
        return np.asarray(lengths**2)

    return squares


def _centre(result: RegistrationResult, spacing: np.ndarray, origin: np.ndarray, image: str) -> np.ndarray:
    """The fiducials' centroid in pixel numbers: where a prediction is surest."""
    fitted = result.fitted
    return ((fitted.x_mean if image == "source" else fitted.y_mean) - origin) / spacing


def _values(squares: Function, centre: np.ndarray, shape: tuple[int, ...], quadratic: bool) -> np.ndarray:
    """The mapped quantity (..., x), float32: along parabolas where its square is a polynomial, else pixel by pixel."""
    try:
        out = np.empty(shape, np.float32)
    except (MemoryError, ValueError):
        raise InputError(f"a map of shape {shape} does not fit in memory: give fewer pixels and a larger spacing") from None
    polynomial = quadratic_of(squares, centre, shape[::-1]) if quadratic else None
    if polynomial is not None:
        polynomial.fill_root(out)
    else:
        _fill_by_rows(squares, out)
    out.flags.writeable = False
    return out


def _fill_by_rows(squares: Function, out: np.ndarray) -> None:
    """Ask the prediction itself, a block of pixels at a time."""
    flat = out.reshape(-1)
    for first in range(0, flat.size, _ROWS):
        part = flat[first:first + _ROWS]
        index = np.unravel_index(np.arange(first, first + part.size), out.shape)
        with np.errstate(over="ignore", invalid="ignore"):
            np.sqrt(squares(np.stack(index[::-1], -1).astype(float)), out=part, casting="same_kind")


def _how(result: RegistrationResult) -> str:
    return f"{result.estimator.card.name} model, {result.noise.describe()}, {result.pairs.n} fiducials"


def _check(call: Callable[[], Any], faults: list[str]) -> Any:
    """What a check of one argument returns, its sentence kept for the others."""
    try:
        return call()
    except InputError as fault:
        faults.append(str(fault))
        return None


def _level(quantity: str, level: float | None, faults: list[str]) -> float | None:
    if quantity not in QUANTITIES:
        faults.append(f"quantity is {quantity!r}: use 'rms' (r.m.s. deviation) or 'radius' (of the region)")
    elif level is not None and quantity != "radius":
        faults.append(f"level is {level} and the quantity {quantity!r} has none: leave it out, or map the 'radius'")
    if quantity == "radius":
        value: float | None = _check(lambda: checked_level(0.95 if level is None else level), faults)
        return value
    return None


def _shape(shape: Any, d: int, faults: list[str]) -> tuple[int, ...]:
    """Whole numbers (z,) y, x, or a fault."""
    try:
        size = tuple(operator.index(n) for n in shape)
    except TypeError:
        size = ()
    if len(size) != d or min(size, default=0) < 1:
        faults.append(f"shape is {shape}: give {'(y, x)' if d == 2 else '(z, y, x)'} as whole numbers of at least 1, "
                      f"the fiducials are {d}D")
    return size


def _numbers(name: str, value: Any, d: int, faults: list[str]) -> np.ndarray:
    """One number, or one per axis, as finite (d,), or a fault and ones."""
    axes = "x, y" if d == 2 else "x, y, z"
    try:
        numbers = np.asarray(value, float)
        if numbers.shape not in ((), (d,)) or not np.isfinite(numbers).all():
            raise ValueError
    except (TypeError, ValueError):
        faults.append(f"{name} is {value!r}: give one finite number, or {d} in the order {axes}")
        return np.ones(d)
    return np.array(np.broadcast_to(numbers, (d,)))


def _interpolated(values: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Multilinear interpolation at pixel numbers (m, d) inside the array; an infinite neighbour counts only with its weight."""
    d = u.shape[-1]
    low = np.minimum(u.astype(int), np.maximum(np.array(values.shape[::-1]) - 2, 0))
    share = u - low
    out = np.zeros(len(u))
    for corner in product((0, 1), repeat=d):
        weight = np.prod(np.where(corner, share, 1.0 - share), -1)
        index = np.minimum(low + corner, np.array(values.shape[::-1]) - 1)
        used = weight > 0
        out[used] += weight[used] * values[tuple(index[used, ::-1].T)]
    return out

"""What detection hands over: spots with their places, how well each is known, and what was left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from ..pairs import Unused
from .camera import Camera

if TYPE_CHECKING:
    from ..io import Points

_PER_SPOT = ("points", "covariance", "photon_covariance", "photons", "background", "size", "significance", "misfit")


@dataclass(frozen=True, eq=False)
class Spots:
    """Spots found in one image, the most significant first.

    Attributes
    ----------
    points : (n, d) array
        Centres, x before y before z, in ``unit``; the centre of the first pixel lies at the origin that was given.
    covariance : (n, d, d) array
        Of each centre: photon and camera noise, and what the misfit and structure of the background add (theory, section 21).
    photon_covariance : (n, d, d) array
        By photon and camera noise alone: the inverse Fisher information, and what it leaves out of faint spots.
    photons : (n,) array
        Of each spot, negative for dark ones; counts without a camera. The height instead for discs.
    background : (n,) array
        Around each spot, per pixel, in the same unit.
    size : (n, d) array
        S.d. of each spot along x, y[, z], in ``unit``.
    significance : (n,) array
        ``photons`` over its standard error.
    misfit : (n,) array
        R.m.s. difference of each spot from its model, as a share of its height, noise included.
    names : tuple of str
    unit : str
    bright : bool
    camera : Camera or None
        As it was given.
    pooled_misfit : float
        R.m.s. share of its height by which spots differ from their model beyond noise; 0 when noise explains all.
    plane : int
        The wavelet plane in which spots were looked for, 1 the finest.
    threshold : float
        Least height in that plane, in s.d. of what scatters there.
    profile : str
    unused : tuple of Unused
        Maxima that are no spots to use, with the reason.
    """

    points: np.ndarray
    covariance: np.ndarray
    photon_covariance: np.ndarray
    photons: np.ndarray
    background: np.ndarray
    size: np.ndarray
    significance: np.ndarray
    misfit: np.ndarray
    names: tuple[str, ...]
    unit: str
    bright: bool
    camera: Camera | None
    pooled_misfit: float
    plane: int
    threshold: float
    profile: str
    unused: tuple[Unused, ...] = ()

    def __len__(self) -> int:
        return len(self.points)

    def __repr__(self) -> str:
        return f"<Spots: {len(self)} {'bright' if self.bright else 'dark'} spots in {self.dimension}D, {self.unit}>"

    def __getitem__(self, index: Any) -> Spots:
        """Some of the spots: a slice, indices, or one bool for each."""
        chosen = np.atleast_1d(np.arange(len(self))[index])
        return replace(self, **{name: getattr(self, name)[chosen] for name in _PER_SPOT},
                       names=tuple(self.names[i] for i in chosen))

    @property
    def dimension(self) -> int:
        """2 or 3."""
        return int(self.points.shape[1])

    @property
    def sd(self) -> np.ndarray:
        """Standard deviation of each coordinate, (n, d)."""
        return np.sqrt(np.einsum("nii->ni", self.covariance))

    @cached_property
    def nearest(self) -> np.ndarray:
        """Distance of each spot to its nearest neighbour, (n,); infinite for one alone."""
        from scipy.spatial import cKDTree

        if len(self) < 2:
            return np.full(len(self), np.inf)
        return np.asarray(cKDTree(self.points).query(self.points, k=2)[0])[:, 1]

    def to_points(self) -> Points:
        """As points of one space with covariances, to write, match or pair."""
        from ..io import Points

        return Points(self.points, self.names, self.unit, self.covariance, self.unused, origin="centre")

    def single(self, *, apart: float | None = None, misfit: float | None = None) -> Spots:
        """Spots that stand alone and look like their model; the others are in ``unused``, with the reason.

        Parameters
        ----------
        apart : float, optional
            Least distance to the nearest other spot, in ``unit``.
        misfit : float, optional
            Greatest misfit, as a share of the height.

        Raises
        ------
        InputError
            For numbers that are not positive, and when neither is given.
        """
        rules = {"apart": apart, "misfit": misfit}
        odd = [f"{name} is {value!r}: give a positive number" for name, value in rules.items()
               if value is not None and not 0 < value < np.inf]
        if odd or (apart is None and misfit is None):
            raise InputError("; ".join(odd) or "nothing says which spots to keep: give apart, misfit or both")
        near = np.zeros(len(self), bool) if apart is None else self.nearest < apart
        poor = np.zeros(len(self), bool) if misfit is None else self.misfit > misfit
        said = (f"it is nearer than {apart} {self.unit} to another spot",
                f"it differs from its model by more than {misfit} of its height")
        reasons = [" and ".join(compress(said, one)) for one in zip(near, poor, strict=True)]
        gone = tuple(Unused(self.names[i], reason, tuple(self.points[i].tolist())) for i, reason in enumerate(reasons) if reason)
        kept = ~(near | poor)
        left = replace(self[kept], unused=self.unused + gone)
        vars(left)["nearest"] = self.nearest[kept]  # a spot that is left out is there still
        return left

    def summary(self) -> str:
        """What was found, in a few lines."""
        from ..reporting.spots import summary

        return summary(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        from ..reporting.spots import to_dict

        return to_dict(self)

    def save(self, path: str | Path, *, force: bool = False) -> None:
        """Write places, s.d. and quality as a table (.csv) that `regerr.read_points` reads, or everything as JSON (.json).

        Raises
        ------
        InputError
            For another suffix, or a file that exists when ``force`` is false.
        """
        from ..reporting.spots import write

        write(self, Path(path), force=force)


def in_order(points: Sequence[int]) -> tuple[str, ...]:
    """Names by rank."""
    return tuple(f"spot {i + 1}" for i in points)


def check_image(image: Any) -> np.ndarray:
    """A picture or a volume of finite numbers as an array.

    Raises
    ------
    InputError
        For anything else, with its shape or type.
    """
    try:
        array = np.asarray(image)
        number = array.dtype.kind in "buif"
    except (TypeError, ValueError):
        raise InputError(f"the image is {type(image).__name__}: give an array of numbers (y, x) or (z, y, x)") from None
    if not number or array.ndim not in (2, 3) or min(array.shape, default=0) < 1:
        raise InputError(f"the image has shape {array.shape} and type {array.dtype}: give numbers (y, x) or (z, y, x), one "
                         "channel and one time")
    if min(array.shape[-2:]) < 5 or (array.ndim == 3 and array.shape[0] < 3):
        raise InputError(f"the image has shape {array.shape}: give at least 5 pixels along x and y, and 3 slices")
    values = array.astype(float)
    if not np.isfinite(values).all():
        raise InputError(f"the image holds NaN or infinity in {np.count_nonzero(~np.isfinite(values))} pixels: fill or crop them")
    return values

"""What is assumed of the localisation noise, and how to draw it.

The same object is the assumption of a model and the generator of a simulation, so the two cannot drift apart.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .errors import InputError

_SHAPES = ("isotropic", "full", "given")
_COVARIANCES = ("source_covariance", "target_covariance")


@dataclass(frozen=True, eq=False)
class Noise:
    """Localisation noise of matched points.

    Parameters
    ----------
    ratio : float
        rho = tr(A Omega A') / tr(Lambda), the source's noise variance over the target's, both as seen in the target. 0: the
        target alone is noisy; ``inf``: the source alone; 1 (default): both alike. No unit or pixel size enters.
    shape : {"isotropic", "full", "given"}
        Known up to one scale, any covariance matrix (estimated), or one covariance per point, given with the pairs or below.
    scale : float, optional
        Known s.d. per coordinate of the effective noise of one pair, in target units; estimated from the residuals when None.
    source_covariance, target_covariance : float or array, optional
        How the points are localised, each space in its own squared units: a variance per coordinate, (d, d), or (..., n, d, d);
        a space without one is free of noise. They take the place of ratio and shape: known up to one common factor, which is
        estimated, or as they stand with ``scale=1`` (the known factor of the s.d.). Simulations draw from them.
    tails : float, optional
        Degrees of freedom of Student's t, for noise with heavier tails than Gaussian noise (None).
    floor : float, optional
        Least s.d. per coordinate of the effective noise of one pair, target units: what rounding of the coordinates makes alone.
        An estimate below it counts as it (theory, section 17).
    gate : float, optional
        Probability with which a true pair passes the gate by which the pairs were chosen; an estimated noise variance is
        corrected for what it leaves (theory, section 22).
    """

    ratio: float = 1.0
    shape: str = "isotropic"
    scale: float | None = None
    source_covariance: Any = None
    target_covariance: Any = None
    tails: float | None = None
    floor: float | None = None
    gate: float | None = None

    def __post_init__(self) -> None:
        if self.shape not in _SHAPES:
            raise InputError(f"noise shape {self.shape!r} is unknown: use one of {', '.join(_SHAPES)}")
        if not self.ratio >= 0:
            raise InputError(f"the noise ratio is {self.ratio}: give a number from 0 (target only) to inf (source only)")
        if self.scale is not None and not (self.scale > 0 and math.isfinite(self.scale)):
            raise InputError(f"the known noise s.d. is {self.scale}: give a positive number in target units")
        if self.scale is not None and self.shape == "full":
            raise InputError("a full noise covariance is estimated from the residuals: leave out the known scale")
        if self.has_covariances and self.shape == "full":
            raise InputError("a full noise covariance is estimated from the residuals: leave out the given covariances")
        if self.has_covariances:
            object.__setattr__(self, "shape", "given")
        if self.tails is not None and not self.tails > 0:
            raise InputError(f"the noise has {self.tails} degrees of freedom: give a positive number, such as tails=4")
        if self.floor is not None:
            self._check_floor(self.floor)
        if self.gate is not None:
            self._check_gate(self.gate)
        for name in ("source_covariance", "target_covariance"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, checked_covariance(name, getattr(self, name)))

    def _check_floor(self, floor: float) -> None:
        if not (floor > 0 and math.isfinite(floor)):
            raise InputError(f"the least noise s.d. is {floor}: give a positive number in target units")
        if self.shape != "isotropic" or self.scale is not None or self.tails is not None:
            raise InputError("a least noise s.d. is for Gaussian noise, alike in all directions, of unknown size: leave it out")

    def _check_gate(self, gate: float) -> None:
        checked_gate(gate)
        if self.scale is not None or self.tails is not None:
            raise InputError("a gate tells on the estimated size of Gaussian noise: leave it out where the size is known or the "
                             "tails are heavy")

    @property
    def source_share(self) -> float:
        """Kappa = rho / (1 + rho), the source's share of the effective variance."""
        return 1.0 if math.isinf(self.ratio) else self.ratio / (1.0 + self.ratio)

    @property
    def least_variance(self) -> float:
        """Square of the floor, 0 without one."""
        return 0.0 if self.floor is None else self.floor**2

    @property
    def has_covariances(self) -> bool:
        """Whether covariances of single points or spaces were given."""
        return self.source_covariance is not None or self.target_covariance is not None

    def swapped(self) -> Noise:
        """The noise of the way back, target to source: a known scale in target units is lost."""
        if self.shape == "given":
            return replace(self, source_covariance=self.target_covariance, target_covariance=self.source_covariance)
        return replace(self, ratio=math.inf if self.ratio == 0 else 1.0 / self.ratio, scale=None, floor=None)

    def describe(self) -> str:
        """One phrase for summaries."""
        if self.shape == "given":
            return f"noise of given covariances, {self._size_of_given()}{self._gated()}"
        where = {0.0: "in the target only", math.inf: "in the source only"}.get(
            self.ratio, f"in both spaces (variance ratio {self.ratio:g} assumed, as seen in the target)")
        kind = "of any covariance" if self.shape == "full" else "isotropic"
        if self.tails is not None:
            kind += f", with the tails of Student's t on {self.tails:g} degrees of freedom"
        size = "scale estimated" if self.scale is None else f"known s.d. {self.scale:g} per coordinate"
        if self.floor is not None:
            size += f" (at least {self.floor:.3g} per coordinate, from rounding)"
        return f"noise {kind}, {where}, {size}{self._gated()}"

    def _gated(self) -> str:
        return "" if self.gate is None else f", corrected for a gate that {100 * self.gate:g} % of true pairs pass"

    def _size_of_given(self) -> str:
        if self.scale is None:
            return "up to one common factor, which is estimated"
        return "as they stand" if self.scale == 1.0 else f"their s.d. times {self.scale:g}"

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers for JSON; the infinite ratio is the string "inf"."""
        plain = {"ratio": "inf" if math.isinf(self.ratio) else self.ratio, "shape": self.shape, "scale": self.scale}
        plain |= {name: value for name in ("tails", "floor", "gate") if (value := getattr(self, name)) is not None}
        given = {name: getattr(self, name) for name in _COVARIANCES}
        return plain | {name: c.tolist() for name, c in given.items() if c is not None}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Noise:
        """The inverse of :meth:`to_dict`."""
        return cls(float(data["ratio"]), data["shape"], data["scale"], data.get("source_covariance"),
                   data.get("target_covariance"), data.get("tails"), data.get("floor"), data.get("gate"))

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Draw the noise of pairs.

        Parameters
        ----------
        rng : numpy.random.Generator
        shape : (..., n, d)

        Returns
        -------
        source_noise, target_noise : arrays of that shape, each in its own units
        """
        if not self.has_covariances:
            raise InputError("this noise has no size to draw from: give source_covariance and target_covariance")
        return _draw(rng, shape, self.source_covariance), _draw(rng, shape, self.target_covariance)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Noise) and all(
            np.array_equal(getattr(self, f) if getattr(self, f) is not None else np.nan,
                           getattr(other, f) if getattr(other, f) is not None else np.nan, equal_nan=True)
            if f in _COVARIANCES else getattr(self, f) == getattr(other, f)
            for f in ("ratio", "shape", "scale", "tails", "floor", "gate", *_COVARIANCES))

    def __hash__(self) -> int:
        return hash((self.ratio, self.shape, self.scale, self.tails, self.floor, self.gate))


NAMED_NOISES = {"both": Noise(1.0), "target": Noise(0.0), "source": Noise(math.inf), "full": Noise(0.0, "full"),
                "given": Noise(shape="given")}


def checked_gate(gate: Any) -> float:
    """A probability between 0 and 1, or an InputError."""
    try:
        value = float(gate)
    except (TypeError, ValueError):
        value = math.nan
    if not 0 < value < 1:
        raise InputError(f"the gate is {gate!r}: give the probability with which a true pair passes it, such as 0.997")
    return value


def parse_noise(noise: str | Noise) -> Noise:
    """A name or a Noise to a Noise; raises InputError with the known names."""
    if isinstance(noise, Noise):
        return noise
    try:
        return NAMED_NOISES[noise]
    except (KeyError, TypeError):
        raise InputError(f"noise {noise!r} is unknown: use one of {', '.join(NAMED_NOISES)}, or a regerr.Noise") from None


def check_covariance(name: str, covariance: np.ndarray) -> np.ndarray:
    """Symmetric positive definite (..., d, d), or an InputError that says which matrix is not."""
    if covariance.ndim < 2 or covariance.shape[-1] != covariance.shape[-2]:
        raise InputError(f"{name} has shape {covariance.shape}: give (d, d) or (..., n, d, d)")
    if not np.isfinite(covariance).all():
        raise InputError(f"{name} holds NaN or infinity: give finite covariances")
    asymmetry = np.abs(covariance - np.swapaxes(covariance, -1, -2)).max(initial=0.0)
    values = np.linalg.eigvalsh(covariance)
    bad = values[..., 0] <= 0
    if asymmetry > 1e-9 * np.abs(covariance).max(initial=0.0) or bad.any():
        first = f" (first at index {tuple(int(i) for i in np.argwhere(bad)[0])})" if bad.ndim and bad.any() else ""
        raise InputError(f"{name} is not a positive definite symmetric matrix{first}: its smallest eigenvalue is "
                         f"{values.min():g}")
    return covariance


def checked_covariance(name: str, covariance: Any) -> np.ndarray:
    """A variance per coordinate of at least 0, or covariances, as an array; an InputError otherwise."""
    c = np.asarray(covariance, float)
    if c.ndim == 0:
        if not (c >= 0 and np.isfinite(c)):
            raise InputError(f"{name} is {c}: give a variance per coordinate of at least 0")
        return c
    return check_covariance(name, c)


def _draw(rng: np.random.Generator, shape: tuple[int, ...], covariance: np.ndarray | None) -> np.ndarray:
    if covariance is None or (covariance.ndim == 0 and covariance == 0):
        return np.zeros(shape)
    z = rng.standard_normal(shape)
    if covariance.ndim == 0:
        return z if covariance == 1.0 else np.multiply(z, math.sqrt(float(covariance)), out=z)
    return np.einsum("...ij,...j->...i", np.linalg.cholesky(covariance), z)

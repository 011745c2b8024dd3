"""Where targets land, and how surely: the law of a predicted point."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .blocks import evaluate
from .errors import InputError, UndeterminedError
from .linalg import rows_matrix
from .methods import Method, parse_method
from .models.base import Estimator, Fit
from .pair_covariances import PairCovariances, Weight
from .regions import Region, region_of

KINDS = ("tre", "lre", "observation")


@dataclass(frozen=True, eq=False)
class Prediction:
    """Predicted points of one kind: the answer to one of three questions (theory, section 2).

    Attributes
    ----------
    estimator : Estimator
    fit : Fit
        Batch shape (...).
    targets : (m, d) or (..., m, d)
        Points in the source.
    kind : {"tre", "lre", "observation"}
    unit : str
        Unit of the target space.
    localised : PairCovariances, optional
        With which the targets themselves are localised, (..., m, d, d).
    """

    estimator: Estimator
    fit: Fit
    targets: np.ndarray
    kind: str
    unit: str
    localised: PairCovariances | None = None

    def at(self, k: int) -> Prediction:
        """That of one target alone, with what is known of its own localisation; of one dataset."""
        own = self.localised
        if own is not None:
            own = own.mapped(lambda c: c if c.shape[-3] == 1 else c[..., k:k + 1, :, :])
        return replace(self, targets=self.targets[k:k + 1], localised=own)

    @property
    def dimension(self) -> int:
        """2 or 3."""
        return int(self.targets.shape[-1])

    @property
    def weight(self) -> Weight:
        """The kind as the weight of a new pair (theory, section 5), or as its covariances."""
        return self.estimator.new_pair(self.kind, self.fit, self.localised)

    @property
    def mean(self) -> np.ndarray:
        """Predicted points (..., m, d)."""
        return self.fit.transform.apply(self.targets)

    @property
    def covariance(self) -> np.ndarray:
        """First-order covariance (..., m, d, d), target units squared (theory, sections 3, 4, 18)."""
        return rows_matrix(evaluate(lambda f, dx, _, w: self.estimator.covariance(f, dx, w).dense(), self.fit, self.weight,
                                    self.targets))

    @property
    def rms(self) -> np.ndarray:
        """Root mean square length of the deviation, (..., m): square root of the trace of the covariance."""
        return evaluate(lambda f, dx, _, w: np.sqrt(self.estimator.covariance(f, dx, w).trace()), self.fit, self.weight,
                        self.targets)

    def p_value(self, points: Any, method: str | Method = "score") -> np.ndarray:
        """P-value of points, (..., m): the region of a level holds the points with ``p >= 1 - level``.

        Parameters
        ----------
        points : broadcasts against (..., m, d), target units
        method : {"score", "likelihood-ratio", "wald", "rank", "interpolated-rank", "mixture"}
        """
        chosen = self._method(method, None)
        return evaluate(lambda f, dx, dy, w: chosen.p_value(self.estimator, f, dx, dy, w), self.fit, self.weight, self.targets,
                        self.checked_points(points))

    def region(self, level: float = 0.95, method: str | Method = "score", simultaneous: bool = False) -> Region:
        """Confidence regions of a nominal level.

        Parameters
        ----------
        level : float
        method : {"score", "likelihood-ratio", "wald", "rank", "interpolated-rank", "mixture"}
        simultaneous : bool
            Regions that hold at all targets at once, wherever and however many they are: a band (theory, section 13).

        Raises
        ------
        InputError
            For a level outside (0, 1), an unknown method, and a band of another kind than ``tre``.
        UndeterminedError
            Where a method that compares with the pairs themselves has too few of them for the level.
        """
        chosen = self._method(method, checked_level(level))
        if simultaneous and self.kind != "tre":
            raise InputError(f"a band holds for the true positions of all targets, and {self.kind!r} adds noise of each one: "
                             "predict with kind='tre'")
        return region_of(self, checked_level(level), replace(chosen, simultaneous=simultaneous or chosen.simultaneous))

    def _method(self, method: str | Method, level: float | None) -> Method:
        chosen = parse_method(method)
        if self.kind not in chosen.kinds:
            raise InputError(f"the method {chosen.name!r} cannot answer {self.kind!r}: predict with kind "
                             f"{' or '.join(map(repr, chosen.kinds))}, or use the method 'score'")
        refusal = chosen.refusal(self.estimator, self.fit.n, level)
        if refusal:
            raise UndeterminedError(refusal)
        return chosen

    def checked_points(self, points: Any) -> np.ndarray:
        """Points as an array that broadcasts against the prediction, or an InputError."""
        y = np.asarray(points, float)
        shape = (*self.fit.batch_shape, *self.targets.shape[-2:])
        try:
            if y.ndim == 0 or y.shape[-1] != self.dimension:
                raise ValueError
            broadcast = np.broadcast_shapes(y.shape, shape)
        except ValueError:
            raise InputError(f"points have shape {y.shape}: give points that broadcast against {shape}") from None
        if broadcast[len(broadcast) - len(shape):] != shape:
            raise InputError(f"points have shape {y.shape}: predict at as many targets, the prediction has {shape}")
        return y


def checked_level(level: float) -> float:
    """A nominal level in (0, 1), or an InputError."""
    try:
        value = float(level)
    except (TypeError, ValueError):
        raise InputError(f"the level is {level!r}: give a number between 0 and 1, such as 0.95") from None
    if not 0 < value < 1:
        raise InputError(f"the level is {level}: give a number between 0 and 1, such as 0.95")
    return value


def checked_kind(kind: str, estimator: Estimator) -> str:
    """One of the three kinds that the estimator can answer, or an InputError."""
    if kind not in KINDS:
        raise InputError(f"the kind is {kind!r}: use 'tre' (where does the true point land?), 'lre' (where is the true position "
                         "of a feature localised here?) or 'observation' (where will it be localised in the target?)")
    if kind not in estimator.kinds:
        raise InputError(f"{kind!r} needs the source's share of the noise, which {estimator.noise.describe()} does not tell: "
                         f"use {' or '.join(map(repr, estimator.kinds))}")
    return kind


def checked_targets(targets: Any, batch_shape: tuple[int, ...], dimension: int) -> np.ndarray:
    """Targets (m, d) or (..., m, d) as finite float64, or an InputError."""
    x = np.asarray(targets, float)
    if x.ndim < 2 or x.shape[-1] != dimension or (x.ndim > 2 and x.shape[:-2] != batch_shape):
        wanted = f"(m, {dimension})" + (f" or {(*batch_shape, 'm', dimension)}" if batch_shape else "")
        raise InputError(f"targets have shape {x.shape}: give {wanted}, one row per target")
    if not np.isfinite(x.sum()) and not np.isfinite(x).all():
        bad = np.argwhere(~np.isfinite(x).all(-1))[0]
        raise InputError(f"target {int(bad[-1]) + 1} is not a finite point: leave it out")
    return x

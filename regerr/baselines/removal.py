"""Registrations after outliers were removed: what everyone does, as an estimator of a study, so that its price is measured.

The worst deleted residual is removed while its Bonferroni p-value is below a level, and the rest is fitted again (theory, section
14). Datasets that lost equally many pairs are one batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..models import parse_model
from ..noise import Noise, parse_noise
from ..outliers import REMOVAL, kept
from ..pairs import FiducialPairs
from ..predictions import Prediction, checked_level
from ..results import RegistrationResult, fit
from .asking import plain_fit, points_of


@dataclass(frozen=True)
class Removal:
    """A model under an assumed noise, after removal of outliers.

    Parameters
    ----------
    model : {"rigid", "similarity", "affine"}
    noise : {"both", "target", "source"} or Noise
    level : float
        Bonferroni p-value below which the worst pair is removed.
    method : str
        How regions are made of what is left.
    """

    model: str
    noise: str | Noise = "both"
    level: float = REMOVAL
    method: str = "score"

    @property
    def name(self) -> str:
        """For tables: model, removal and its level in per cent, the noise unless it is the default, and the method."""
        assumed = [] if self.noise == "both" else [self.noise if isinstance(self.noise, str) else self.noise.describe()]
        return "-".join([self.model, f"removal-{100 * self.level:g}", *assumed, self.method]).replace(" ", "-")

    @property
    def label(self) -> str:
        """For figures."""
        return f"{self.model}, outliers removed at {100 * self.level:g} %"

    @property
    def kinds(self) -> tuple[str, ...]:
        """What the assumed noise can answer."""
        return parse_model(self.model).under(parse_noise(self.noise)).kinds

    @property
    def closed_form_volume(self) -> bool:
        """Whether the regions are ellipsoids."""
        linear = parse_model(self.model).under(parse_noise(self.noise)).linear
        return self.method == "wald" or (linear(2) and linear(3))

    def predict(self, pairs: FiducialPairs, targets: Any, kind: str) -> RemovalPrediction:
        """Remove, fit and predict, for all datasets of a batch.

        Raises
        ------
        UndeterminedError
            For too few pairs.
        """
        points = points_of(pairs, targets)
        whole = plain_fit(pairs, self.model, self.noise)
        keep = kept(whole, self.level).reshape(-1, pairs.n)
        m, d = points.shape[-2:]
        flat = np.broadcast_to(points, (*pairs.batch_shape, m, d)).reshape(-1, m, d)
        parts = [self._part(whole, keep, rows, flat, kind) for rows in _alike(keep)]
        return RemovalPrediction(tuple(parts), pairs.batch_shape, m, d, self.method)

    def _part(self, whole: RegistrationResult, keep: np.ndarray, rows: np.ndarray, targets: np.ndarray, kind: str) -> Part:
        n, d = whole.pairs.n, whole.pairs.dimension
        left = np.nonzero(keep[rows])[1].reshape(len(rows), -1, 1)
        both = (whole.pairs.source, whole.pairs.target)
        source, target = (np.take_along_axis(p.reshape(-1, n, d)[rows], left, 1) for p in both)
        pairs = FiducialPairs(source, target, source_step=whole.pairs.source_step, target_step=whole.pairs.target_step)
        result = fit(pairs, whole.model, whole.noise, on_failure="mark")
        return Part(rows, result.predict(targets[rows], kind), result.failure, n - result.pairs.n)


@dataclass(frozen=True, eq=False)
class Part:
    """The datasets ``rows`` that lost equally many pairs: their prediction, failure codes, and how many pairs."""

    rows: np.ndarray
    prediction: Prediction
    failure: np.ndarray
    removed: int


@dataclass(frozen=True, eq=False)
class RemovalPrediction:
    """Predicted targets of a batch whose datasets keep unequal numbers of pairs."""

    parts: tuple[Part, ...]
    batch_shape: tuple[int, ...]
    m: int
    dimension: int
    method: str

    @property
    def mean(self) -> np.ndarray:
        """Predicted points (..., m, d)."""
        return self.gathered(lambda part: part.prediction.mean, self.m, self.dimension)

    @property
    def rms(self) -> np.ndarray:
        """Root mean square length of the deviation, (..., m)."""
        return self.gathered(lambda part: part.prediction.rms, self.m)

    @property
    def failure(self) -> np.ndarray:
        """One `regerr.Failure` code for each dataset, (...)."""
        return self.gathered(lambda part: part.failure).astype(np.int8)

    @property
    def removed(self) -> np.ndarray:
        """How many pairs each dataset lost, (...)."""
        return self.gathered(lambda part: np.full(len(part.rows), part.removed)).astype(int)

    def p_value(self, points: Any) -> np.ndarray:
        """P-values of points (..., m, d): (..., m)."""
        asked = self.spread(points)
        return self.gathered(lambda part: part.prediction.p_value(asked[part.rows], self.method), self.m)

    def region(self, level: float = 0.95) -> RemovalRegion:
        """Regions of a nominal level."""
        return RemovalRegion(self, checked_level(level))

    def spread(self, points: Any) -> np.ndarray:
        """Points that broadcast against (..., m, d) as (datasets, m, d)."""
        shape = (*self.batch_shape, self.m, self.dimension)
        return np.broadcast_to(np.asarray(points, float), shape).reshape(-1, self.m, self.dimension)

    def gathered(self, of: Callable[[Part], np.ndarray], *shape: int) -> np.ndarray:
        """What each part says of its datasets, in the order of the batch: (..., *shape)."""
        out = np.empty((sum(len(part.rows) for part in self.parts), *shape))
        for part in self.parts:
            out[part.rows] = of(part)
        return out.reshape(*self.batch_shape, *shape)


@dataclass(frozen=True, eq=False)
class RemovalRegion:
    """Regions after removal."""

    prediction: RemovalPrediction
    level: float

    def contains(self, points: Any) -> np.ndarray:
        """Whether points (..., m, d) lie inside, bool (..., m); a failed dataset contains nothing."""
        asked, where = self.prediction.spread(points), self.prediction
        return where.gathered(lambda part: self._region(part).contains(asked[part.rows]), where.m).astype(bool)

    @property
    def bounded(self) -> np.ndarray:
        """Whether each region is bounded, (..., m) bool."""
        return self.prediction.gathered(lambda part: self._region(part).bounded, self.prediction.m).astype(bool)

    @property
    def volume(self) -> np.ndarray:
        """Area in 2D, volume in 3D, (..., m); infinite where unbounded."""
        return self.prediction.gathered(lambda part: self._region(part).volume, self.prediction.m)

    def _region(self, part: Part) -> Any:
        return part.prediction.region(self.level, self.prediction.method)


def _alike(keep: np.ndarray) -> list[np.ndarray]:
    """Rows of datasets that keep equally many pairs, most first."""
    counts = keep.sum(-1)
    return [np.flatnonzero(counts == count) for count in np.unique(counts)[::-1]]

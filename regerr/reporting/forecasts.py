"""Predictions of one dataset at named targets, with all that a table of them shows."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError, RegistrationWarning
from ..predictions import KINDS, Prediction
from ..regions import Region
from ..results import given_covariances
from .extents import Extents

if TYPE_CHECKING:
    from ..results import RegistrationResult


@dataclass(frozen=True, eq=False)
class Forecast:
    """Where targets land, and how surely.

    Attributes
    ----------
    names : tuple of str
    prediction : Prediction
        Of one dataset, m targets.
    region : Region
    """

    names: tuple[str, ...]
    prediction: Prediction
    region: Region

    @property
    def kind(self) -> str:
        """Which question is answered: "tre", "lre" or "observation"."""
        return self.prediction.kind

    @cached_property
    def mean(self) -> np.ndarray:
        """Predicted points (m, d), target units."""
        return self.prediction.mean

    @cached_property
    def covariance(self) -> np.ndarray:
        """First-order covariance (m, d, d)."""
        return self.prediction.covariance

    @cached_property
    def sd(self) -> np.ndarray:
        """S.d. per coordinate (m, d), target units, first order; infinite where nothing bounds it."""
        return np.sqrt(np.einsum("...ii->...i", self.covariance))

    @cached_property
    def rms(self) -> np.ndarray:
        """R.m.s. length of the deviation (m,), target units, first order."""
        return self.prediction.rms

    @property
    def radius(self) -> np.ndarray:
        """Largest distance of the region from the predicted point, (m,)."""
        return self.extents.radius

    @property
    def half_axes(self) -> np.ndarray:
        """Half-lengths of the region, longest first, (m, d)."""
        return self.extents.half_axes

    @property
    def volume(self) -> np.ndarray:
        """Area in 2D, volume in 3D, (m,)."""
        return self.extents.volume

    @cached_property
    def extents(self) -> Extents:
        """How far each region reaches."""
        return Extents.of(self.region, self.bounded)

    @cached_property
    def bounded(self) -> np.ndarray:
        """Whether each region is bounded, (m,)."""
        return self.region.bounded


def forecast(result: RegistrationResult, targets: Any, kind: str, level: float = 0.95, method: str = "score",
             names: Sequence[str] | None = None) -> Forecast:
    """Predict named targets of one dataset.

    Parameters
    ----------
    result : RegistrationResult
        Of one dataset.
    targets : (m, d) array, or `regerr.io.Points`
        Source units. Covariances that points carry are those of the targets where the fiducials came with some too.
    kind : {"tre", "lre", "observation"}
    level, method : of the region
    names : sequence of str, optional
        Those of the points, else "1" to "m".

    Raises
    ------
    InputError
        For a batch, and for what `RegistrationResult.predict` and `Prediction.region` refuse.
    """
    if result.pairs.batch_shape:
        raise InputError(f"these are {result.failure.size} registrations, and a table shows one: use result[i]")
    points = getattr(targets, "points", targets)
    _compare_units(result, getattr(targets, "unit", None))
    prediction = result.predict(points, kind, source_covariance=_localised(result, targets, kind))
    given = names if names is not None else getattr(targets, "names", None)
    labels = tuple(map(str, range(1, prediction.targets.shape[-2] + 1))) if given is None else tuple(map(str, given))
    if len(labels) != prediction.targets.shape[-2]:
        raise InputError(f"there are {len(labels)} names for {prediction.targets.shape[-2]} targets: give one name per target")
    return Forecast(labels, prediction, prediction.region(level, method))


def heeded(result: RegistrationResult, targets: Any) -> bool:
    """Whether what points say of their own localisation is used: fiducials have covariances too."""
    return getattr(targets, "covariance", None) is not None and given_covariances(result.pairs, result.noise) is not None


def _localised(result: RegistrationResult, targets: Any, kind: str) -> np.ndarray | None:
    return targets.covariance if kind != "tre" and heeded(result, targets) else None


def together(one: Forecast, other: Forecast) -> Forecast:
    """Two forecasts of one kind, registration, level and method as one, which knows what they know of their regions."""
    prediction = replace(one.prediction, targets=np.concatenate([one.prediction.targets, other.prediction.targets]))
    out = Forecast((*one.names, *other.names), prediction, replace(one.region, prediction=prediction))
    # what is asked of a region may take a search at each of many points
    vars(out).update(bounded=np.concatenate([one.bounded, other.bounded]), extents=one.extents.joined(other.extents))
    return out


def _compare_units(result: RegistrationResult, unit: str | None) -> None:
    source = result.pairs.source_unit
    if unit is not None and unit != source:
        warnings.warn(f"the targets are in {unit} and the source of the pairs is in {source}: their numbers are taken as they "
                      "are, so check that both files mean the same unit", RegistrationWarning, stacklevel=3)


def forecasts(result: RegistrationResult, targets: Any, kind: str | None = None, level: float = 0.95,
              method: str = "score") -> tuple[Forecast, ...]:
    """Predictions of one kind, or of all that the assumed noise can answer.

    Warns
    -----
    RegistrationWarning
        About the kinds that it cannot answer, when none was asked for.
    """
    kinds = KINDS if kind is None else (kind,)
    asked = [k for k in kinds if kind is not None or k in result.estimator.kinds]
    for silent in set(kinds) - set(asked):
        warnings.warn(f"{silent} is left out: it needs the source's share of the noise, which {result.noise.describe()} does not "
                      "tell",
                      RegistrationWarning, stacklevel=2)
    return tuple(forecast(result, targets, k, level, method) for k in asked)

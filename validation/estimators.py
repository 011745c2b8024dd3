"""Estimators of studies: registrations of `regerr`, and its baselines."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

import regerr
from regerr.baselines import leave_one_out
from regerr.methods import parse_method
from regerr.models import parse_model
from regerr.noise import Noise, parse_noise
from regerr.pairs import FiducialPairs
from regerr.predictions import Prediction as ModelPrediction
from regerr.regions import Region
from regerr.results import RegistrationResult

from .protocol import Estimator, Prediction


@dataclass(frozen=True)
class Registration:
    """A model under an assumed noise, with one method of making regions.

    Parameters
    ----------
    model : {"rigid", "similarity", "affine"}
    noise : {"both", "target", "source", "full"} or Noise
    method : {"score", "likelihood-ratio", "wald"}
    name, label : str
        For tables and figures; made from the other three when empty.
    """

    model: str
    noise: str | Noise = "both"
    method: str = "score"
    name: str = ""
    label: str = ""

    def __post_init__(self) -> None:
        parse_model(self.model)
        parse_method(self.method)
        assumed = self.noise if isinstance(self.noise, str) else parse_noise(self.noise).describe()
        object.__setattr__(self, "name", self.name or f"{self.model}-{assumed}-{self.method}".replace(" ", "-"))
        object.__setattr__(self, "label", self.label or f"{self.model}, {self.method.replace('-', ' ')} ({assumed})")

    @property
    def kinds(self) -> tuple[str, ...]:
        """What the assumed noise and the method can answer."""
        own = parse_method(self.method).kinds
        return tuple(kind for kind in parse_model(self.model).under(parse_noise(self.noise)).kinds if kind in own)

    @property
    def closed_form_volume(self) -> bool:
        """Whether the regions are ellipsoids."""
        linear = parse_model(self.model).under(parse_noise(self.noise)).linear
        return parse_method(self.method).ellipsoid(linear(2) and linear(3))

    @property
    def uses_covariances(self) -> bool:
        """Whether the noise is what the pairs and the targets carry."""
        assumed = parse_noise(self.noise)
        return assumed.shape == "given" and not assumed.has_covariances

    def predict(self, pairs: FiducialPairs, targets: np.ndarray, kind: str, **covariances: np.ndarray | None) -> Predicted:
        """Fit all datasets and predict; covariances of the targets, where the estimator uses them, are handed on."""
        result = _fitted(pairs, self.model, self.noise)
        return Predicted(result.predict(targets, kind, **covariances), result.failure, self.method)


@dataclass(frozen=True, eq=False)
class Predicted:
    """A prediction with the failures of its fits, whose method of making regions is settled."""

    prediction: ModelPrediction
    failure: np.ndarray
    method: str

    @property
    def mean(self) -> np.ndarray:
        """Predicted points (..., m, d)."""
        return self.prediction.mean

    @property
    def rms(self) -> np.ndarray:
        """Root mean square length of the expected deviation, (..., m)."""
        return self.prediction.rms

    def p_value(self, points: np.ndarray) -> np.ndarray:
        """P-values (..., m)."""
        return self.prediction.p_value(points, self.method)

    def region(self, level: float) -> Region:
        """Regions of a nominal level."""
        return self.prediction.region(level, self.method)


@dataclass(frozen=True)
class Told:
    """A baseline that reads the covariances which pairs carry, and takes a target to be localised as the mean fiducial."""

    baseline: Estimator

    uses_covariances = True

    def __getattr__(self, name: str) -> Any:
        if name == "baseline":
            raise AttributeError(name)
        return getattr(self.baseline, name)

    def predict(self, pairs: FiducialPairs, targets: np.ndarray, kind: str, **covariances: np.ndarray | None) -> Prediction:
        """What the baseline predicts; covariances of the targets are left aside."""
        return self.baseline.predict(pairs, targets, kind)


@dataclass(frozen=True)
class LeaveOneOutDisk(leave_one_out.LeaveOneOutDisk):
    """The leave-one-out disk under one name for a family, whatever noise its fit assumes."""

    @property
    def name(self) -> str:
        """For tables."""
        return f"{self.model}-{self.method}"

    @property
    def label(self) -> str:
        """For figures."""
        return f"{self.model}, {self.words}"


@lru_cache(maxsize=6)
def _fitted(pairs: FiducialPairs, model: str, noise: str | Noise) -> RegistrationResult:
    """The fit that several methods and kinds share; pairs are compared by identity."""
    return regerr.fit(pairs, model, noise, on_failure="mark")

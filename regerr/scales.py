"""Whether the scale between two images is the one that their pixel sizes say."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import stdtr, stdtrit

from .errors import InputError
from .noise import Noise
from .pairs import FiducialPairs
from .predictions import checked_level
from .quantities import quantities
from .results import fit


@dataclass(frozen=True, eq=False)
class ScaleTest:
    """The fitted scale of a similarity against an expected one, for one dataset or a batch (...).

    Attributes
    ----------
    scale, sd : (...)
        Fitted scale, target units per source unit, and its s.d.
    expected : float
    statistic : (...)
        ``log(scale/expected)`` over the s.d. of ``log(scale)``.
    p_value : (...)
        Two-sided, from Student's t; NaN where the pairs fit exactly or have no fit.
    degrees_of_freedom : float
        Infinite where the noise is known.
    source_unit, target_unit : str
    noise : Noise
    """

    scale: np.ndarray
    sd: np.ndarray
    expected: float
    statistic: np.ndarray
    p_value: np.ndarray
    degrees_of_freedom: float
    source_unit: str
    target_unit: str
    noise: Noise

    @property
    def null(self) -> str:
        """The null hypothesis in words."""
        return f"the images differ by a similarity transformation of scale {self.expected:g} and noise"

    def interval(self, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
        """The expected scales that would not be rejected, (...) each."""
        half = stdtrit(self.degrees_of_freedom, 0.5 + 0.5 * checked_level(level)) * self.sd / self.scale
        return self.scale * np.exp(-half), self.scale * np.exp(half)

    def to_dict(self) -> dict[str, Any]:
        """Plain values of one dataset for JSON."""
        from .records import plain

        low, high = self.interval()
        return dict(plain({"scale_test": {
            "expected": self.expected, "scale": self.scale, "sd": self.sd, "statistic": self.statistic, "p_value": self.p_value,
            "degrees_of_freedom": self.degrees_of_freedom, "interval": [float(low), float(high)]}}))

    def __str__(self) -> str:
        from .reporting.scales import scale_report

        return scale_report(self)


def compare_scale(pairs: FiducialPairs, expected: float, noise: str | Noise = "both") -> ScaleTest:
    """Test the scale of a fitted similarity against an expected one, such as the ratio of two pixel sizes.

    Student's t on ``log(scale)``, exact to first order (theory, section 4): sizes of .048 to .052 from the fewest pairs on.

    Parameters
    ----------
    pairs : FiducialPairs
        One dataset, or a batch.
    expected : float
        Target units per source unit: for pixels on both sides the source's pixel size over the target's.
    noise : {"both", "target", "source", "given"} or Noise

    Raises
    ------
    InputError
        For an expected scale that is not positive.
    UndeterminedError, UnsupportedError
        As `regerr.fit` does for the similarity model.
    """
    if not (math.isfinite(expected) and expected > 0):
        raise InputError(f"the expected scale is {expected}: give a positive number of target units per source unit")
    result = fit(pairs, "similarity", noise, on_failure="raise" if not pairs.batch_shape else "mark")
    found = next(q for q in quantities(result) if q.name == "scale")
    dof = math.inf if result.noise.scale is not None else float(result.degrees_of_freedom)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = np.log(found.value / expected) / (found.sd / found.value)
        p = np.where(result.estimator.exact(result.fitted), np.nan, 2.0 * stdtr(dof, -np.abs(statistic)))
    return ScaleTest(np.asarray(found.value), np.asarray(found.sd), float(expected), np.asarray(statistic), p, dof,
                     pairs.source_unit, pairs.target_unit, result.noise)

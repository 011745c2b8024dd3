"""All estimators that a study can compare, by the family of transformations that they assume.

Names are the same in every study, ``family-method``, so that tables can be put side by side.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from regerr.baselines import bootstrap, conformal, fitzpatrick, leave_one_out
from regerr.errors import UnsupportedError
from regerr.models import parse_model
from regerr.noise import Noise

from .estimators import Registration
from .protocol import Estimator

DEFAULT = "score"  # the method of `Prediction.region`
REFITS = 199  # of a bootstrap


@dataclass(frozen=True)
class Catalogue:
    """Estimators of one family, quick ones and slow ones.

    Parameters
    ----------
    family : {"rigid", "similarity", "affine"}
    noise : str or Noise
        What ours assume; both spaces with one ratio by default.
    """

    family: str
    noise: str | Noise = field(default="both")

    @property
    def default(self) -> str:
        """Name of the estimator that people get who ask for nothing else."""
        return f"{self.family}-{DEFAULT}"

    def ours(self) -> tuple[Estimator, ...]:
        """Score (the default), likelihood ratio, and the ellipse; for rigid that ellipse is the published first-order one."""
        words = {"score": "score (default)", "likelihood-ratio": "likelihood ratio",
                 "wald": "first order (published)" if self.family == "rigid" else "first-order ellipse"}
        return tuple(self._registration(method, self.noise, method, text) for method, text in words.items())

    def regression(self) -> tuple[Estimator, ...]:
        """Noise in one space only, both ways; for rigid these are the fit and the regions of `ours`."""
        if self.family == "rigid":
            return ()
        return (self._registration("wald", "target", "regression", "regression (published)"),
                self._registration("wald", "source", "inverse-regression", "inverse regression"))

    def free_covariance(self) -> tuple[Estimator, ...]:
        """The multivariate regression of the ICIP paper, and its companion for noise in both spaces; affine only."""
        if self.family != "affine":
            return ()
        return (self._registration("wald", "full", "regression-full", "multivariate regression (ICIP)"),
                self._registration("score", Noise(1.0, "full"), "score-full", "score, any covariance"))

    def formulas(self) -> tuple[Estimator, ...]:
        """Published formulas."""
        return fitzpatrick.BASELINES if self.family == "rigid" else ()

    def told(self, noise: Noise) -> tuple[Estimator, ...]:
        """Ours, given covariances up to a common factor, and as they stand; none where the model cannot use them."""
        try:
            parse_model(self.family).under(noise)
        except UnsupportedError:
            return ()
        return (self._registration("score", noise, "score-given", "score, covariances given"),
                self._registration("wald", noise, "wald-given", "ellipse, covariances given"),
                self._registration("score", replace(noise, scale=1.0), "score-known", "score, covariances and scale given"))

    def quick(self) -> tuple[Estimator, ...]:
        """All that cost little."""
        return (*self.ours(), *self.regression(), *self.free_covariance(), *self.formulas(),
                leave_one_out.LeaveOneOutDisk(self.family), leave_one_out.LeaveOneOutEllipse(self.family),
                conformal.LeverageConformal(self.family), conformal.JackknifePlus(self.family),
                conformal.SplitConformal(self.family))

    def slow(self) -> tuple[Estimator, ...]:
        """Those that refit many times."""
        return (bootstrap.PairsBootstrap(self.family, refits=REFITS), bootstrap.ParametricBootstrap(self.family, refits=REFITS))

    def _registration(self, method: str, noise: str | Noise, name: str, words: str) -> Registration:
        return Registration(self.family, noise, method, f"{self.family}-{name}", f"{self.family}, {words}")

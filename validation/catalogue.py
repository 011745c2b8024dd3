"""All estimators that a study can compare, by the family of transformations that they assume.

Names are the same in every study, ``family-method``, so that tables can be put side by side.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from regerr.baselines import bootstrap, cohen_ober, conformal, danilchenko, ecclem, fitzpatrick, icip, leave_one_out, wiles
from regerr.baselines.removal import Removal
from regerr.noise import Noise

from .estimators import Registration, Told
from .protocol import Estimator

DEFAULT = "score"  # the method of `Prediction.region`
REFITS = 199  # of a bootstrap
TAILS = 4.0  # degrees of freedom of the t-likelihood
REMOVALS = (0.01, 0.05)

# Words for rows of tables, by method; `Registration` is asked for each
_OURS = {"score": "score (default)", "likelihood-ratio": "likelihood ratio", "wald": "first-order ellipse"}
_RANKS = {"rank": "rank", "interpolated-rank": "interpolated rank", "mixture": "mixture"}


@dataclass(frozen=True)
class Catalogue:
    """Estimators of one family, quick ones and slow ones.

    Parameters
    ----------
    family : {"rigid", "similarity", "affine"}
    noise : str or Noise
        What ours assume; both spaces with one ratio by default.
    told : Noise, optional
        Covariances that some estimators are told: those of this noise, or with ``Noise(shape="given")`` what pairs carry.
    """

    family: str
    noise: str | Noise = field(default="both")
    told: Noise | None = None

    @property
    def default(self) -> str:
        """Name of the estimator that people get who ask for nothing else."""
        return f"{self.family}-{DEFAULT}"

    def ours(self) -> tuple[Estimator, ...]:
        """Score (the default), likelihood ratio, and the ellipse; for rigid that ellipse is the published first-order one."""
        published = {"wald": "first order (published)"} if self.family == "rigid" else {}
        return tuple(self._registration(method, self.noise, method, text) for method, text in (_OURS | published).items())

    def regression(self) -> tuple[Estimator, ...]:
        """Noise in one space only, both ways; for rigid these are the fit and the regions of `ours`."""
        if self.family == "rigid":
            return ()
        return (self._registration("wald", "target", "regression", "regression (published)"),
                self._registration("wald", "source", "inverse-regression", "inverse regression"))

    def free_covariance(self) -> tuple[Estimator, ...]:
        """Noise of any covariance in both spaces; affine only."""
        own = self._registration("score", Noise(1.0, "full"), "score-full", "score, any covariance")
        return (own,) if self.family == "affine" else ()

    def robust(self) -> tuple[Estimator, ...]:
        """The t-likelihood."""
        assumed = self.noise if isinstance(self.noise, Noise) else Noise(tails=TAILS)
        return (self._registration("score", replace(assumed, tails=TAILS), "t", "t-likelihood"),)

    def removals(self) -> tuple[Estimator, ...]:
        """Removal of outliers before the default."""
        return tuple(Removal(self.family, level=level) for level in REMOVALS)

    def ranks(self) -> tuple[Estimator, ...]:
        """Sizes from the pairs themselves."""
        return tuple(self._registration(method, self.noise, method, text) for method, text in _RANKS.items())

    def given(self) -> tuple[Estimator, ...]:
        """Ours, told covariances up to a common factor, and as they stand."""
        if self.told is None:
            return ()
        return (self._registration("score", self.told, "score-given", "score, covariances given"),
                self._registration("score", replace(self.told, scale=1.0), "score-known", "score, covariances and scale given"))

    def given_ellipse(self) -> tuple[Estimator, ...]:
        """The ellipse of given covariances."""
        return () if self.told is None else (self._registration("wald", self.told, "wald-given", "ellipse, covariances given"),)

    def formulas(self) -> tuple[Estimator, ...]:
        """Published formulas; those that take covariances are told them."""
        noise = "both" if self.told is None or not self.told.has_covariances else self.told
        reading: list[Estimator] = [cohen_ober.CohenOber(self.family, noise)]
        others: list[Estimator] = []
        if self.family == "affine":
            others = [icip.Icip(), ecclem.EcClemEllipse("affine")]
        if self.family == "rigid":
            reading += [wiles.Wiles(noise), danilchenko.Danilchenko(noise=noise)]
            others = [*fitzpatrick.BASELINES, ecclem.EcClemEllipse(), ecclem.EcClemMap()]
        return (*others, *(map(Told, reading) if self.told and not self.told.has_covariances else reading))

    def quick(self) -> tuple[Estimator, ...]:
        """All that cost little."""
        return (*self.ours(), *self.given_ellipse(), *self.regression(), *self.free_covariance(), *self.removals(),
                *self.formulas(), leave_one_out.LeaveOneOutDisk(self.family), leave_one_out.LeaveOneOutEllipse(self.family),
                conformal.LeverageConformal(self.family), conformal.JackknifePlus(self.family),
                conformal.SplitConformal(self.family))

    def slow(self) -> tuple[Estimator, ...]:
        """Those that iterate, or refit many times."""
        return (*self.given(), *self.robust(), *self.ranks(), bootstrap.PairsBootstrap(self.family, refits=REFITS),
                bootstrap.ParametricBootstrap(self.family, refits=REFITS))

    def _registration(self, method: str, noise: str | Noise, name: str, words: str) -> Registration:
        return Registration(self.family, noise, method, f"{self.family}-{name}", f"{self.family}, {words}")

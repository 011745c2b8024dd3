"""Which method to use for these pairs, in one sentence with its reason.

Each rule says when it holds, from facts that one registration shows, which way of making regions it prefers and which it warns
of. The page "Which method should I use?" in the documentation holds every rule against the tables of the grand study, and a test
does so against a small one. The first rule that holds is told.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..results import RegistrationResult

FEW = 10  # pairs up to which a thin layout is worth a second look
LOOSE = 0.02  # s.d. of the rotation, radians, from which on the ellipse of a rigid fit is not trusted
MANY = 25  # pairs from which on regression is not trusted
THIN = 0.05  # noise over spread along the shortest axis (theory, section 10) from which on a layout counts as thin
OUTLYING = 0.01  # Bonferroni p-value below which a pair counts as outlying
RANKED, MIXED = 19, 6  # fewest pairs of the interpolated rank and of the mixture


@dataclass(frozen=True)
class Facts:
    """What the rules look at.

    Attributes
    ----------
    model : str
    dimension, n : int
    shape : str
        Of the noise that was assumed: isotropic, full or given.
    ratio : float
        Of the two noises.
    tails : bool
        Whether tails heavier than Gaussian ones were assumed.
    exact : bool
        Whether the pairs fit to rounding.
    thin : bool
        Whether the noise is large against the fiducials' spread along some direction.
    outlying : bool
        Whether a pair does not agree with the others.
    turn : float
        S.d. of the rotation of a rigid fit, radians, all axes together; 0 for other models.
    """

    model: str
    dimension: int
    n: int
    shape: str = "isotropic"
    ratio: float = 1.0
    tails: bool = False
    exact: bool = False
    thin: bool = False
    outlying: bool = False
    turn: float = 0.0


@dataclass(frozen=True)
class Rule:
    """One piece of advice.

    Attributes
    ----------
    name : str
    holds : callable
        Whether it applies to Facts.
    sentence : callable
        What it says, from Facts.
    prefers, warns_of : str
        Methods as tables of studies name them after the family; empty where there is none to name.
    """

    name: str
    holds: Callable[[Facts], bool]
    sentence: Callable[[Facts], str]
    prefers: str = "score"
    warns_of: str = ""


def recommendation(result: RegistrationResult) -> str:
    """The sentence of the first rule that holds for one registration.

    Parameters
    ----------
    result : RegistrationResult
        Of one dataset, with a fit.
    """
    found = facts(result)
    return rule_for(found).sentence(found)


def rule_for(found: Facts) -> Rule:
    """The first rule that holds; the last one always does."""
    return next(rule for rule in RULES if rule.holds(found))


def facts(result: RegistrationResult) -> Facts:
    """What the rules look at, of one dataset."""
    exact = bool(result.estimator.exact(result.fitted))
    return Facts(result.model.card.name, result.pairs.dimension, result.pairs.n, result.noise.shape, result.noise.ratio,
                 result.noise.tails is not None, exact, not exact and thinness(result) > THIN, not exact and _outlying(result),
                 _turn(result))


def thinness(result: RegistrationResult) -> float:
    """``rho = s2 (n - d) / min L`` of theory section 10; s2 is half the effective variance, L twice the scatter in the target."""
    images = result.transform.apply(result.pairs.source) - result.fitted.y_mean
    least = float(np.linalg.eigvalsh(images.T @ images)[0])
    n, d = result.pairs.source.shape
    variance = float(np.trace(result.noise_covariance)) / d
    return float("inf") if least <= 0 else variance * (n - d) / (4.0 * least)


def _turn(result: RegistrationResult) -> float:
    """Root of half the variance of the linear part: a rotation by w changes it by ``[w]_x A``, of squared length ``2 |w|^2``."""
    if result.model.card.name != "rigid":
        return 0.0
    return math.sqrt(float(np.einsum("ijij->", result.estimator.matrix_covariance(result.fitted))) / 2.0)


def _outlying(result: RegistrationResult) -> bool:
    """Whether the Bonferroni p-value of some pair, given all others, is small."""
    n = result.pairs.n
    if n - 1 < result.estimator.least_pairs(result.pairs.dimension):
        return False
    p = result.pair_p_values()
    return bool(np.isfinite(p).any() and n * float(np.nanmin(p)) < OUTLYING)


def _ranked(found: Facts) -> str:
    """The method that sizes regions by the pairs themselves, as far as there are enough of them."""
    return "'interpolated-rank'" if found.n >= RANKED else "'mixture'" if found.n >= MIXED else ""


def _disagreeing(found: Facts) -> str:
    seen = f", and observation by the method {_ranked(found)}," if _ranked(found) else ""
    return (f"Look at the pair that disagrees before anything else, and if it must stay, ask for tre under heavy tails "
            f"(tails=4){seen} because one misplaced fiducial makes the regions of least squares too large or throws them off.")


def _tailed(found: Facts) -> str:
    there = f": take the method {_ranked(found)} there" if _ranked(found) else ""
    return f"Use these regions for tre alone, because where a feature will be seen depends on the very shape of the tails{there}."


def _given(found: Facts) -> str:
    return ("Keep the score regions under the covariances that were given, because regions of one noise for all fiducials and "
            "directions miss their level where the noise is not alike.")


def _thin(found: Facts) -> str:
    return (f"Look at the regions of ordinary regression too (noise='target'), because {found.n} thinly spread fiducials leave "
            "affine score regions large or unbounded, and those stay bounded at a small cost in coverage.")


def _loose(found: Facts) -> str:
    return (f"Use the default, score regions, because the rotation has an s.d. of {math.degrees(found.turn):.1f} degrees, so a "
            "rigid region is bent, and the ellipse of first order covers too little.")


def _many(found: Facts) -> str:
    return (f"Use the default, score regions with noise in both images, because with {found.n} fiducials the bias of ordinary "
            "regression is no longer small against its region.")


RULES = (
    Rule("exact fit", lambda f: f.exact,
         lambda f: "No method can size a region from pairs that fit exactly: give the s.d. with which points are localised.", ""),
    Rule("pairs disagree", lambda f: f.outlying and not f.tails, _disagreeing, "t", "score"),
    Rule("heavy tails assumed", lambda f: f.tails, _tailed, "t"),
    Rule("covariances given", lambda f: f.shape == "given", _given, "score-given", "score"),
    Rule("thin layout", lambda f: f.model == "affine" and f.shape == "isotropic" and f.ratio > 0 and f.n <= FEW and f.thin, _thin,
         "regression"),
    Rule("loose rotation", lambda f: f.turn > LOOSE, _loose, "score", "wald"),
    Rule("many fiducials", lambda f: f.model != "rigid" and f.shape == "isotropic" and f.ratio > 0 and f.n >= MANY, _many,
         "score", "regression"),
    Rule("nothing special", lambda f: True,
         lambda f: "Use the default, score regions, because nothing in these pairs asks for another method."),
)

"""The rater as the unit, where several people placed the landmarks of both images (theory, section 7).

People place landmarks with smooth biases of their own, and those are no deformation. The strain of each rater's placements is
held against its spread between raters, which has them in it; what is assumed of the size of the noise does not enter.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from scipy.special import fdtrc

from ..blocks import fit_blocks
from ..errors import InputError
from ..linalg import about
from ..models import Model
from ..noise import Noise
from ..pairs import FiducialPairs
from .base import NestedTest, Outcome
from .seeds import DEFAULT_SEED, Seed, generator_of, seed_words
from .strain import bases

_LEAST = {False: 2, True: 4}  # raters; four have 35 ways to be dealt out to two images


@dataclass(frozen=True)
class RatersF(NestedTest):
    """``F = (|du|^2/q) / (within/(q(2K-2))) / (2/K)`` on q and q(2K-2) degrees of freedom.

    The last axis of the batch is the raters: pairs (..., K, n, d). ``u`` is ``Q_D'`` of a rater's placements about the common
    mean, ``du`` the difference of its means over the raters of both images, ``within`` the sum of squares about those means.
    Raters of the two images count as different people; where they are the same, whose biases recur, it errs to the safe side.
    """

    name: str = "raters"

    label = "F, rater as the unit"
    distributed = False
    knows_people = True

    def fitted_to(self, pairs: FiducialPairs) -> FiducialPairs:
        _check(pairs, _LEAST[False], self.name)
        return FiducialPairs(pairs.source.mean(-3), pairs.target.mean(-3), pairs.names, pairs.source_unit, pairs.target_unit)

    def fits(self, simpler: Model, wider: Model, noise: Noise) -> tuple[tuple[Model, Noise], ...]:
        return (wider, noise), (simpler, noise)

    def apply(self, pairs: FiducialPairs, simpler: Model, wider: Model, noise: Noise) -> Outcome:
        u = strains(pairs, simpler, wider, noise)
        k, q = u.shape[-2] // 2, u.shape[-1]
        statistic, v = between(u), q * (2 * k - 2)
        return Outcome(statistic, fdtrc(q, v, statistic), (q, v), f"{k} raters in each image, alike and independent",
                       _exact(pairs))


@dataclass(frozen=True)
class RatersPermuted(RatersF):
    """The same F, its law from dealing the raters out to the two images in other ways: all of them, or random ones.

    Attributes
    ----------
    draws : int
        Random ways where there are more.
    seed : int, SeedSequence or Generator
        Of those; all datasets of a batch share them.
    """

    name: str = "raters-permuted"
    draws: int = 999
    seed: Seed = DEFAULT_SEED

    label = "permuted raters"

    def fitted_to(self, pairs: FiducialPairs) -> FiducialPairs:
        _check(pairs, _LEAST[True], self.name)
        return super().fitted_to(pairs)

    def apply(self, pairs: FiducialPairs, simpler: Model, wider: Model, noise: Noise) -> Outcome:
        u = strains(pairs, simpler, wider, noise)
        k, q = u.shape[-2] // 2, u.shape[-1]
        ways, statistic = dealt(k, self.draws, self.seed), between(u)
        reached = np.sum([between(u[..., way, :]) >= statistic * (1.0 - 1e-9) for way in ways], 0)
        every = len(ways) == math.comb(2 * k, k) // 2 - 1
        law = f"all {len(ways) + 1} ways" if every else f"{len(ways)} random ways, {seed_words(self.seed)},"
        return Outcome(statistic, (1.0 + reached) / (len(ways) + 1.0), (q, q * (2 * k - 2)),
                       f"{law} to deal {2 * k} raters out to the images", _exact(pairs))


def strains(pairs: FiducialPairs, simpler: Model, wider: Model, noise: Noise) -> np.ndarray:
    """The strain of each rater's placements (..., 2K, q), those in the source first."""
    *batch, k, n, d = pairs.source.shape
    source, target = (p.reshape(-1, k, n, d) for p in (pairs.source, pairs.target))
    fit = fit_blocks(simpler.under(noise), source.mean(1), target.mean(1))
    moved = fit.transform.apply(source.reshape(-1, k * n, d)).reshape(source.shape)
    placed = np.concatenate([moved, target], 1)
    share = noise.source_share
    common = (1.0 - share) * moved.mean(1) + share * target.mean(1)  # the latent points of the mean placements
    _, added = bases(about(common, fit.y_mean), simpler, wider)
    u = np.einsum("bndq,bknd->bkq", added, placed - common[:, None])
    return u.reshape(*batch, 2 * k, u.shape[-1])


def between(u: np.ndarray) -> np.ndarray:
    """F of strains (..., 2K, q), the first K of one image: (...)."""
    k, q = u.shape[-2] // 2, u.shape[-1]
    first, second = u[..., :k, :], u[..., k:, :]
    means = [part.mean(-2, keepdims=True) for part in (first, second)]
    within = sum(((part - mean) ** 2).sum((-2, -1)) for part, mean in zip((first, second), means, strict=True))
    apart = ((means[0] - means[1]) ** 2).sum((-2, -1))
    return np.asarray(apart / q / (within / (q * (2 * k - 2))) / (2.0 / k))


def dealt(k: int, draws: int, seed: Seed) -> list[np.ndarray]:
    """Orders of 2k raters whose first k go to one image: all other ways where there are at most ``draws``, else random ones."""
    if math.comb(2 * k, k) // 2 - 1 > draws:
        rng = generator_of(seed)
        return [rng.permutation(2 * k) for _ in range(draws)]
    others = itertools.combinations(range(1, 2 * k), k - 1)
    ways = [np.array([0, *some, *sorted(set(range(1, 2 * k)) - set(some))]) for some in others]
    return [way for way in ways if way[k - 1] != k - 1]


def _check(pairs: FiducialPairs, least: int, name: str) -> None:
    if not pairs.batch_shape or pairs.batch_shape[-1] < least:
        raise InputError(f"the test {name!r} needs the placements of at least {least} raters, the last axis of the batch, and "
                         f"these pairs have batch shape {pairs.batch_shape}: stack one dataset per rater "
                         "(--rater on the command line)")


def _exact(pairs: FiducialPairs) -> np.ndarray:
    """Whether all raters placed alike, to rounding: bool (...)."""
    spread = sum(points.var(-3).sum((-2, -1)) for points in (pairs.source, pairs.target))
    size = sum(np.abs(points).max((-3, -2, -1)) for points in (pairs.source, pairs.target))
    return np.asarray(spread < (8.0 * np.finfo(float).eps * size) ** 2 * pairs.n * pairs.dimension)

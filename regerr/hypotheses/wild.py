"""The wild F: the law of F from random signs of the residuals, one sign per landmark or per group of landmarks.

It assumes no common variance, no Gaussian law, and nothing about how landmarks of one group go together: only that what is done
to one group is as likely as its opposite (wild bootstrap, Liu 1988; groups, Cameron, Gelbach & Miller 2008; theory, section 7).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..errors import UndeterminedError
from ..models import Model
from ..noise import Noise
from ..pairs import FiducialPairs
from .base import NestedTest, Outcome
from .groups import group_codes
from .seeds import DEFAULT_SEED, Seed, generator_of, seed_words
from .strain import Strain, blocks_of_strain, ratio
from .sums import sums_of

LEAST_GROUPS = 6  # fewer have no p-value below 1/16
TRIED = {2: 6, 3: 12}  # groups in 2D and 3D from which on its size was measured
_ROOM = 2**20  # numbers held at a time
_ALL = 1e-9  # eigenvalues of I - H below this are rounding: that group alone decides a parameter


@dataclass(frozen=True)
class WildF(NestedTest):
    """F of the strain, its law from signs ``z*_g = s_g (I - H_gg)^(-1/2) z_g``, H the hat matrix of the simpler model.

    Attributes
    ----------
    groups : tuple of int, optional
        A number for each landmark; each landmark alone when None.
    draws : int
        Random sign patterns; all patterns are taken where there are no more than that.
    seed : int, SeedSequence or Generator
        Of the patterns; all datasets of a batch share them.
    """

    name: str = "wild"
    groups: tuple[int, ...] | None = None
    draws: int = 999
    seed: Seed = DEFAULT_SEED

    label = "wild F"
    shapes = ("isotropic", "given")
    distributed = False
    degrees: ClassVar[float | None] = None

    def fits(self, simpler: Model, wider: Model, noise: Noise) -> tuple[tuple[Model, Noise], ...]:
        return (wider, noise), (simpler, noise)

    def apply(self, pairs: FiducialPairs, simpler: Model, wider: Model, noise: Noise) -> Outcome:
        codes = group_codes(self.groups, pairs.n)
        signs = self._patterns(int(codes.max()) + 1)
        step = max(1, _ROOM // (len(signs) * 16 + 16 * pairs.n * pairs.dimension))
        strains = blocks_of_strain(pairs, simpler, wider, noise, self.degrees, step)
        parts = [self._judged(strain, codes, signs, noise) for strain in strains]
        statistic, p_value = (np.concatenate(found).reshape(pairs.batch_shape) for found in zip(*parts, strict=True))
        sums = sums_of(pairs, simpler, wider, noise)
        known = noise.scale is not None
        unresolved = np.zeros(statistic.shape, bool) if known else sums.unresolved
        law = self._law(len(signs), int(codes.max()) + 1)
        return Outcome(statistic, p_value, (sums.q, math.inf if known else sums.v), law, unresolved)

    def _judged(self, strain: Strain, codes: np.ndarray, signs: np.ndarray, noise: Noise) -> tuple[np.ndarray, np.ndarray]:
        """Statistic and p-value of some datasets."""
        explained, total = flipped(strain, codes, signs)
        own = (np.einsum("bndq,bnd->bq", strain.added, strain.residuals) ** 2).sum(-1)
        if noise.scale is not None:
            statistic, drawn = (part / strain.q / noise.scale**2 for part in (own, explained))
        else:
            statistic, drawn = strain.statistic, ratio(explained, total, strain.q, strain.v)
        reached = (drawn >= statistic[:, None] * (1.0 - 1e-12)).sum(-1)
        return statistic, share_reached(reached, signs)

    def _patterns(self, count: int) -> np.ndarray:
        if count < LEAST_GROUPS:
            raise UndeterminedError(f"{count} {'groups of ' if self.groups is not None else ''}landmarks are too few for the "
                                    f"signs of the test {self.name!r}, whose p-value cannot fall below 1/{2 ** (count - 1)}: "
                                    f"give at least {LEAST_GROUPS}, or use the test 'F'")
        return sign_patterns(count, self.draws, self.seed)

    def _law(self, patterns: int, count: int) -> str:
        units = "landmarks" if self.groups is None else "groups"
        if is_complete(patterns, count):
            return f"all {patterns} signs of {count} {units}"
        return f"{patterns} random signs of {count} {units}, {seed_words(self.seed)}"


@dataclass(frozen=True)
class WildT(WildF):
    """The same with rows weighted as under Student's t of 4 degrees: more power when a few landmarks are far off."""

    name: str = "wild-t"

    label = "wild F, t weights"
    degrees: ClassVar[float | None] = 4.0


def sign_patterns(count: int, draws: int, seed: Seed) -> np.ndarray:
    """Signs (P, count) as small integers: all, up to a common sign, where they are no more than random ones would be."""
    if 2 ** (count - 1) <= draws + 1:
        return (1 - 2 * (np.arange(2 ** (count - 1))[:, None] >> np.arange(count) & 1)).astype(np.int8)
    signs = generator_of(seed).integers(0, 2, (draws, count), dtype=np.int8)
    signs *= -2
    signs += 1
    return signs


def is_complete(patterns: int, count: int) -> bool:
    """Whether so many patterns are all that so many signs have."""
    return patterns == 2 ** (count - 1)


def share_reached(reached: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """The p-value: the share of all patterns that reach F, at least one of them; ``(1 + reached)/(1 + P)`` of random ones.

    The pattern without a change is counted by its own F*, which is that of the standardised residuals and need not reach F;
    counting it as reached would halve the size of the test with 6 landmarks.
    """
    if is_complete(*signs.shape):
        return np.maximum(reached, 1.0) / len(signs)
    return (1.0 + reached) / (1.0 + len(signs))


def flipped(strain: Strain, codes: np.ndarray, signs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``|Q_D'z*|^2`` and ``|z*|^2`` after G of every sign pattern (P, g), each (b, P)."""
    standard = standardised(strain, codes)
    basis = np.concatenate([strain.kept, strain.added], -1)
    rows = np.einsum("bndp,bnd->bnp", basis, standard)
    order, starts = _sorted(codes)
    of_group = np.add.reduceat(rows[:, order], starts, axis=1)
    k, step = strain.kept.shape[-1], max(1, _ROOM // signs.shape[1])
    size = (standard**2).sum((-2, -1))[:, None]  # signs change no length
    explained, total = (np.empty((len(rows), len(signs))) for _ in range(2))
    for i in range(0, len(signs), step):
        along = (signs[i:i + step].astype(float) @ of_group) ** 2  # squared coordinates in both bases
        explained[:, i:i + step] = along[..., k:].sum(-1)
        total[:, i:i + step] = size - along[..., :k].sum(-1)
    return explained, total


def standardised(strain: Strain, codes: np.ndarray) -> np.ndarray:
    """``(I - H_gg)^(-1/2) z_g`` of every group g, (b, n, d): residuals as large as the noise was before the fit."""
    out = np.empty(strain.residuals.shape)
    order, starts = _sorted(codes)
    counts = np.bincount(codes)
    b, _, d = strain.residuals.shape
    for size in np.unique(counts):
        members = order[starts[counts == size][:, None] + np.arange(size)]  # (groups, size)
        kept = strain.kept[:, members].reshape(b, len(members), size * d, -1)
        values, vectors = np.linalg.eigh(np.eye(size * d) - kept @ np.swapaxes(kept, -1, -2))
        root = np.where(values > _ALL, 1.0 / np.sqrt(np.maximum(values, _ALL)), 0.0)
        z = strain.residuals[:, members].reshape(b, len(members), size * d, 1)
        moved = vectors @ (root[..., None] * (np.swapaxes(vectors, -1, -2) @ z))
        out[:, members] = moved.reshape(b, len(members), size, d)
    return out


def _sorted(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Landmarks group by group, and where each group begins."""
    return np.argsort(codes, kind="stable"), np.searchsorted(np.sort(codes), np.arange(codes.max() + 1))

"""Parametric bootstrap of F: its law from datasets drawn from the fitted simpler model (theory, section 7)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..blocks import fit_blocks
from ..linalg import about, apply
from ..models import Model
from ..nested import Sums
from ..noise import Noise
from ..pairs import FiducialPairs
from .base import NestedTest, Outcome
from .fisher import fisher_statistic
from .seeds import DEFAULT_SEED, Seed, seed_words, streams

_ROOM = 2**18  # coordinates drawn at a time


@dataclass(frozen=True)
class ParametricBootstrap(NestedTest):
    """F against its law over datasets with the fitted latent points and Gaussian noise of the estimated (or known) size.

    Attributes
    ----------
    draws : int
    seed : int, SeedSequence or Generator
        A single dataset draws from it; each dataset of a batch from a child of its own.
    """

    name: str = "bootstrap"
    draws: int = 999
    seed: Seed = DEFAULT_SEED

    label = "parametric bootstrap of F"

    def fits(self, simpler: Model, wider: Model, noise: Noise) -> tuple[tuple[Model, Noise], ...]:
        return (wider, noise), (simpler, noise)

    def apply(self, pairs: FiducialPairs, simpler: Model, wider: Model, noise: Noise) -> Outcome:
        n, d = pairs.n, pairs.dimension
        source, target = (p.reshape(-1, n, d) for p in (pairs.source, pairs.target))
        sums = Sums.of(source, target, simpler, wider, noise)
        own, fitted = fisher_statistic(sums, noise), _Fitted.of(source, target, simpler, noise)
        reached = np.zeros(len(own))
        generators, step = streams(self.seed, pairs.batch_shape), max(1, _ROOM // (n * d * self.draws))
        for i in range(0, len(own), step):
            rows = slice(i, i + step)
            reached[rows] = self._reached(fitted[rows], own[rows], generators[rows], (simpler, wider), noise)
        shape = pairs.batch_shape
        second = math.inf if noise.scale is not None else sums.v
        unresolved = sums.unresolved if noise.scale is None else np.zeros(len(own), bool)
        return Outcome(own.reshape(shape), ((1.0 + reached) / (self.draws + 1.0)).reshape(shape), (sums.q, second),
                       f"{self.draws} simulated datasets, {seed_words(self.seed)}", unresolved.reshape(shape))

    def _reached(self, fitted: _Fitted, own: np.ndarray, generators: list[np.random.Generator], models: tuple[Model, Model],
                 noise: Noise) -> np.ndarray:
        """How many draws have an F at least as large, (b,)."""
        n, d = fitted.source.shape[-2:]
        count, most = np.zeros(len(own)), max(1, _ROOM // (n * d))
        for start in range(0, self.draws, most):
            k = min(most, self.draws - start)
            z = np.stack([generator.standard_normal((k, 2, n, d)) for generator in generators])
            x = fitted.source[:, None] + fitted.source_sd[:, None] * z[:, :, 0]
            y = fitted.target[:, None] + fitted.target_sd[:, None] * z[:, :, 1]
            drawn = fisher_statistic(Sums.of(x, y, *models, noise), noise)
            count += (drawn >= own[:, None]).sum(-1)
        return count


@dataclass(frozen=True, eq=False)
class _Fitted:
    """Latent points (b, n, d) of both spaces, and the s.d. per coordinate of the noise in each (b, 1, 1)."""

    source: np.ndarray
    target: np.ndarray
    source_sd: np.ndarray
    target_sd: np.ndarray

    @classmethod
    def of(cls, source: np.ndarray, target: np.ndarray, simpler: Model, noise: Noise) -> _Fitted:
        estimator, d = simpler.under(noise), source.shape[-1]
        fit = fit_blocks(estimator, source, target)
        v = fit.transform.apply(source)
        eta = about(v + noise.source_share * (target - v), fit.y_mean)
        variance = fit.noise_covariance[..., 0, 0]
        scale = np.abs(np.linalg.det(fit.matrix)) ** (1.0 / d)
        sd = [np.sqrt(variance * noise.source_share) / scale, np.sqrt(variance * (1.0 - noise.source_share))]
        return cls(apply(np.linalg.inv(fit.matrix), eta), eta, *(s[:, None, None] for s in sd))

    def __getitem__(self, rows: slice) -> _Fitted:
        return _Fitted(self.source[rows], self.target[rows], self.source_sd[rows], self.target_sd[rows])

"""Random numbers for each dataset of a batch, from a seed and the dataset itself.

So a dataset gets the same draws alone, in any batch, in any block and on any worker, and no two datasets share theirs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np

Draw = Callable[[np.random.Generator], np.ndarray]


def drawn(draw: Draw, seed: int, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """What ``draw`` takes from the generator of each dataset (b, n, d), stacked: (b, ...)."""
    return np.stack([draw(_generator(seed, x, y)) for x, y in zip(source, target, strict=True)])


def _generator(seed: int, source: np.ndarray, target: np.ndarray) -> np.random.Generator:
    content = hashlib.blake2b(source.tobytes() + target.tobytes(), digest_size=16).digest()
    return np.random.default_rng(np.random.SeedSequence([seed, int.from_bytes(content, "little")]))

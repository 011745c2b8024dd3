"""Warnings about the matching: they name what is wrong, and stay silent on sound pairs."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from cases import rotation

import regerr
from regerr import FiducialPairs, Noise, RegistrationWarning


def pairs(dimension=2, n=8, sd=0.5, seed=0):
    rng = np.random.default_rng(seed)
    source = 20 * rng.standard_normal((n, dimension))
    target = source @ rotation(rng, dimension).T + 5
    return source + sd * rng.standard_normal(source.shape), target + sd * rng.standard_normal(source.shape)


@pytest.mark.parametrize("dimension", [2, 3])
@pytest.mark.parametrize("model", ["rigid", "similarity"])
def test_a_mirror_image_is_named(model, dimension):
    source, target = pairs(dimension)
    with pytest.warns(RegistrationWarning, match="mirrored fit"):
        regerr.fit(FiducialPairs(source, target * np.r_[np.ones(dimension - 1), -1]), model)


@pytest.mark.parametrize("dimension", [2, 3])
@pytest.mark.parametrize("model", ["rigid", "similarity", "affine"])
def test_exchanged_rows_are_named(model, dimension):
    source, target = pairs(dimension, n=10)
    target[[2, 7]] = target[[7, 2]]
    with pytest.warns(RegistrationWarning, match="'3' and '8' look exchanged"):
        regerr.fit(FiducialPairs(source, target), model)


def test_residuals_too_small_to_be_true_are_named():
    source, target = pairs(sd=0.01)
    with pytest.warns(RegistrationWarning, match="too small to be true for a noise of 1 px"):
        regerr.fit(FiducialPairs(source, target), "rigid", Noise(1.0, scale=1.0))


@pytest.mark.parametrize("noise", ["both", "target", Noise(1.0, scale=0.7)])
@pytest.mark.parametrize("model", ["rigid", "similarity", "affine"])
def test_sound_pairs_raise_no_suspicion(model, noise):
    """Two hundred sound datasets; an affine map may mirror, and that is nobody's mistake."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for seed in range(200):
            source, target = pairs(seed=seed, sd=0.5)
            if model == "affine":
                target = target * [1, -1]
            regerr.fit(FiducialPairs(source, target), model, noise)


def test_a_batch_is_not_searched():
    source, target = pairs()
    stacked = FiducialPairs(np.stack([source, source]), np.stack([target, target * [1, -1]]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        regerr.fit(stacked, "rigid")


def test_an_exchange_is_found_among_few_pairs():
    """Five beads: what is left without the two pairs rests on three degrees of freedom and may be small by chance."""
    x = np.array([[10.0, 20.0], [200.0, 30.0], [150.0, 220.0], [60.0, 180.0], [120.0, 90.0]])
    y = np.array([[11.1, 20.3], [201.2, 29.5], [60.7, 181.0], [151.3, 220.9], [121.4, 90.1]])
    with pytest.warns(RegistrationWarning, match="pairs '3' and '4' look exchanged"):
        regerr.fit(FiducialPairs(x, y))
    rng = np.random.default_rng(1)
    found = []
    for _ in range(60):
        x = rng.uniform(0, 300, (5, 2))
        y = x + rng.standard_normal(x.shape)
        i, j = rng.choice(5, 2, replace=False)
        y[[i, j]] = y[[j, i]]
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            regerr.fit(FiducialPairs(x, y))
        found.append(any(f"{min(i, j) + 1}' and '{max(i, j) + 1}' look exchanged" in str(w.message) for w in caught))
    assert np.mean(found) > 0.85

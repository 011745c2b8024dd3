"""What the tests of deformation refuse, and in which words."""

from __future__ import annotations

import math

import numpy as np
import pytest

from regerr import FiducialPairs, InputError, Noise, UndeterminedError, UnsupportedError, compare_models
from regerr.hypotheses import FULL


def simulate(n: int = 9, size: int | None = None) -> FiducialPairs:
    rng = np.random.default_rng([1, n])
    x = 20.0 * rng.standard_normal((n, 2) if size is None else (size, n, 2))
    return FiducialPairs(x, x + rng.standard_normal(x.shape))


@pytest.mark.parametrize(("options", "error", "words"), [
    ({"test": "wilde"}, InputError, "'wilde' is unknown: use one of F, wild"),
    ({"test": "wild", "groups": [1, 2, 3]}, InputError, "groups has 3 labels and there are 9 landmarks"),
    ({"test": "wild", "groups": {"1": "a", "nobody": "a"}}, InputError, "'nobody'"),
    ({"test": "wild", "groups": ["a"] * 9}, InputError, "all 9 landmarks are in one group"),
    ({"test": "wild", "groups": "side"}, InputError, "'side': give one label for each landmark"),
    ({"test": "wild", "groups": 3}, InputError, "groups is 3"),
    ({"test": "wild", "groups": [1, 2, 3, 4, 5, 6, 7, 8, math.nan]}, InputError, "groups holds nan"),
    ({"test": "wild", "groups": [1, 1, 2, 2, 3, 3, 4, 4, 5]}, UndeterminedError, "5 groups of landmarks are too few .* 1/16"),
    ({"test": "F", "groups": [1, 1, 2, 3, 4, 5, 6, 7, 8]}, InputError, "'F' takes no groups: leave it out, or use one of wild"),
    ({"test": "chi2", "seed": 1}, InputError, "takes no seed"),
    ({"test": "chi2", "draws": 99}, InputError, "takes no draws"),
    ({"test": "wild", "draws": 3}, InputError, "draws is 3: give a whole number of at least 19"),
    ({"test": "wild", "draws": 99.5}, InputError, "draws is 99.5"),
    ({"test": "wild", "seed": -1}, InputError, "the seed is -1"),
    ({"test": "wild", "seed": "x"}, InputError, "the seed is 'x'"),
    ({"test": "raters"}, InputError, "at least 2 raters, the last axis of the batch"),
    ({"test": "wild", "noise": "full"}, UnsupportedError, "'wild' does not take noise of any covariance"),
    ({"test": FULL["F"]}, UnsupportedError, "Rao's F, any covariance\" does not take noise isotropic"),
    ({"test": "iso/full", "noise": Noise(1.0, scale=2.0)}, UnsupportedError, "2: leave the known s.d. out"),
])
def test_refusals(options, error, words):
    with pytest.raises(error, match=words):
        compare_models(simulate(), "rigid", "affine", **options)


def test_too_few_landmarks_or_raters():
    with pytest.raises(UndeterminedError, match="5 landmarks are too few for the signs of the test 'wild'"):
        compare_models(simulate(5), "rigid", "affine", test="wild")
    with pytest.raises(InputError, match=r"at least 4 raters.* batch shape \(3,\)"):
        compare_models(simulate(9, 3), "rigid", "affine", test="raters-permuted")

"""Balls and ellipsoids: what they contain, what they hold, how they are drawn, at sizes of zero and infinity and for failures."""

from __future__ import annotations

import numpy as np
import pytest

from regerr.baselines.shapes import Balls, Ellipsoids
from regerr.errors import InputError
from regerr.linalg import root

BOTH = pytest.mark.parametrize("dimension", [2, 3])


def spread(rng: np.random.Generator, shape: tuple[int, ...], d: int) -> np.ndarray:
    half = rng.standard_normal((*shape, d, d))
    return half @ np.swapaxes(half, -1, -2) + 0.1 * np.eye(d)


@BOTH
def test_an_ellipsoid_holds_what_its_own_map_of_the_ball_holds(dimension):
    rng = np.random.default_rng(1)
    matrix, mean = spread(rng, (4, 3), dimension), rng.standard_normal((4, 3, dimension))
    region = Ellipsoids(mean, matrix)
    z = rng.standard_normal((50, 4, 3, dimension))
    points = mean + np.einsum("...ij,...j->...i", root(matrix), z)
    np.testing.assert_allclose(region.excess(points), (z**2).sum(-1), rtol=1e-9)
    assert (region.contains(points) == ((z**2).sum(-1) <= 1)).all() and region.bounded.all()


@BOTH
def test_volumes_are_those_of_uniform_points(dimension):
    rng = np.random.default_rng(2)
    matrix = spread(rng, (2,), dimension)
    region = Ellipsoids(np.zeros((2, dimension)), matrix)
    side = 2.0 * np.sqrt(matrix[..., range(dimension), range(dimension)])
    points = side * (rng.random((200_000, 2, dimension)) - 0.5)
    share = region.contains(points).mean(0)
    box = side.prod(-1)
    assert (np.abs(share * box - region.volume) < 4 * box * np.sqrt(share * (1 - share) / len(points))).all()
    assert (np.abs(share * box - 1.05 * region.volume) > 4 * box * np.sqrt(share * (1 - share) / len(points))).all()


@BOTH
def test_a_ball_is_a_round_ellipsoid(dimension):
    rng = np.random.default_rng(3)
    mean, radius = rng.standard_normal((5, 4, dimension)), rng.uniform(1, 3, (5, 4))
    points = rng.standard_normal((7, 5, 4, dimension))
    for each in (radius, radius[:, :1]):
        ball = Balls(mean, each)
        wide = np.broadcast_to(each, (5, 4))
        same = Ellipsoids(mean, wide[..., None, None] ** 2 * np.eye(dimension))
        np.testing.assert_allclose(ball.excess(points), same.excess(points), rtol=1e-12)
        np.testing.assert_allclose(ball.volume, same.volume, rtol=1e-12)
        assert ball.volume.shape == ball.bounded.shape == (5, 4)


@BOTH
def test_sizes_of_zero_and_infinity_and_failed_datasets(dimension):
    size = np.array([0.0, np.inf, np.nan, 1.0])
    mean = np.zeros((4, dimension))
    mean[2] = np.nan
    with np.errstate(invalid="ignore"):
        matrix = np.where(np.eye(dimension) > 0, size[:, None, None] ** 2, 0.0)
    matrix[2] = np.nan
    for region in (Balls(mean, size), Ellipsoids(mean, matrix)):
        assert region.contains(np.zeros((4, dimension))).tolist() == [True, True, False, True]
        assert region.contains(np.full((4, dimension), 1e9)).tolist() == [False, True, False, False]
        assert region.bounded.tolist() == [True, False, True, True] and region.volume[0] == 0
        assert np.isinf(region.volume[1]) and np.isnan(region.volume[2]) and region.volume[3] > 0
        drawn = region.boundary(16)
        there = [len(each) > 0 if dimension == 2 else len(each.faces) > 0 for each in drawn]
        assert there[1:] == [False, False, True]


@BOTH
def test_boundaries_lie_on_the_boundary_seen_from_outside(dimension):
    rng = np.random.default_rng(4)
    region = Ellipsoids(rng.standard_normal((3, dimension)), spread(rng, (3,), dimension))
    for i, each in enumerate(region.boundary(60)):
        alone = Ellipsoids(region.mean[i:i + 1], region.matrix[i:i + 1])
        if dimension == 2:
            (curve,) = each
            assert curve.shape == (61, 2) and (curve[0] == curve[-1]).all()
            np.testing.assert_allclose(alone.excess(curve[:, None]), 1, rtol=1e-9)
            x, y = (curve - curve.mean(0)).T
            content = 0.5 * (x[:-1] * y[1:] - x[1:] * y[:-1]).sum()
        else:
            np.testing.assert_allclose(alone.excess(each.vertices[:, None]), 1, rtol=1e-9)
            a, b, c = np.moveaxis((each.vertices - region.mean[i])[each.faces], 1, 0)
            content = np.einsum("fd,fd->", a, np.cross(b, c)) / 6
        assert 0.97 < content / region.volume[i] < 1
    with pytest.raises(InputError, match="drawn for one dataset"):
        Ellipsoids(region.mean[None], region.matrix[None]).boundary()

"""The polynomial behind a map: every digit that float32 has, and nothing taken for a polynomial that is none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regerr.quadratic import Quadratic, quadratic_of


def assert_close(values: np.ndarray, expected: np.ndarray) -> None:
    """To a few roundings of float32."""
    np.testing.assert_allclose(values, expected, rtol=1e-6, atol=0)


def tilted(angle: float, thin: float, spread: float, centre: tuple[float, float], n: int = 8) -> Quadratic:
    """What an affine fit of a layout ``thin`` times as long as wide has at its centre and away from it."""
    c, s = math.cos(angle), math.sin(angle)
    turn = np.array([[c, -s], [s, c]])
    return Quadratic(np.array(centre), 1.0 / n, turn @ np.diag([1.0, thin**2]) @ turn.T / (n * spread**2))


@given(angle=st.floats(0, math.pi), thin=st.floats(1, 1e3), spread=st.floats(0.5, 1e4), x=st.floats(-500, 1500),
       y=st.floats(-500, 1500))
def test_rows_keep_the_digits_of_float32(angle: float, thin: float, spread: float, x: float, y: float):
    """Thin layouts across the rows, narrower than a pixel, and centres beyond the image."""
    q = tilted(angle, thin, spread, (x, y))
    out = np.empty((60, 300), np.float32)
    q.fill_root(out)
    points = np.stack(np.unravel_index(np.arange(out.size), out.shape)[::-1], -1)
    rotated = (points - q.centre) @ np.linalg.cholesky(q.curvature)
    assert_close(out.ravel(), np.sqrt(q.least + (rotated**2).sum(-1)))


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (2, 70_000), (70_000, 2), (1, 1, 1), (5, 1, 3), (2, 3, 4)])
def test_grids_of_any_proportion(shape: tuple[int, ...]):
    d = len(shape)
    curvature = 1e-3 * np.array([[2.0, 0.3, 0.1], [0.3, 1.0, -0.2], [0.1, -0.2, 4.0]])
    q = Quadratic(np.array([3.3, 40.0, 1.5])[:d], 0.2, curvature[:d, :d])
    out = np.empty(shape, np.float32)
    q.fill_root(out)
    points = np.stack(np.unravel_index(np.arange(out.size), shape)[::-1], -1)
    assert_close(out.ravel(), np.sqrt(q(points.astype(float))))
    found = quadratic_of(q, q.centre, shape[::-1])
    assert found is not None and found.curvature == pytest.approx(q.curvature, rel=1e-9)


def test_a_guessed_centre_is_moved_to_the_vertex():
    q = tilted(0.3, 2.0, 30.0, (20.0, 10.0))
    for guess in ((20.0, 10.0), (17.0, 12.5), (0.0, 30.0)):
        found = quadratic_of(q, np.array(guess), (50, 40))
        np.testing.assert_allclose(found.centre, q.centre, atol=1e-8)
        np.testing.assert_allclose(found.curvature, q.curvature, rtol=1e-9)
        assert found.least == pytest.approx(q.least, rel=1e-9)


def test_what_is_no_polynomial_is_not_taken_for_one():
    q = tilted(0.3, 2.0, 30.0, (20.0, 10.0))

    def quartic(u: np.ndarray) -> np.ndarray:
        return q(u) + 1e-7 * (u[:, 0] - 20.0) ** 4

    def folded(u: np.ndarray) -> np.ndarray:
        return q(u) + 1e-4 * np.abs(u[:, 1] - 10.0)

    assert quadratic_of(q, q.centre, (50, 40)) is not None
    assert [quadratic_of(f, q.centre, (50, 40)) for f in (quartic, folded)] == [None, None]
    assert quadratic_of(lambda u: 1e-40 * q(u), q.centre, (50, 40)) is None
    assert quadratic_of(tilted(0.7, 1e6, 30.0, (20.0, 10.0)), q.centre, (50, 40)) is None

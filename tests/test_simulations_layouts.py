"""Layouts: moments, shapes, poorness, and the sentences for bad arguments."""

from __future__ import annotations

import math

import numpy as np
import pytest

from regerr.errors import InputError
from simulations import Fixed, Gathered, Grid, NearlyCollinear, OneSide, Poorest, Ring, Uniform, smallest_spread

LAYOUTS = [
    Gathered(7), Gathered(7, 3, sd=20.0), Gathered(6, 2, covariance=((4.0, 1.0), (1.0, 2.0)), centre=(10.0, 20.0)),
    Uniform(5, 3), Uniform(5, 2, low=-10.0, high=(10.0, 30.0)), OneSide(9), OneSide(9, 3, share=0.1), Grid((3, 4)),
    Grid((2, 3, 4), jitter=2.0), Ring(8), Ring(8, 3, jitter=1.0), NearlyCollinear(6), NearlyCollinear(6, 3, width=1.0),
    Fixed(np.arange(8.0).reshape(4, 2)), Poorest(Gathered(5), 90, candidates=50),
    Poorest(Ring(5, 3, jitter=3.0), 50, candidates=20),
]
MANY = (20000,)


def within(sample: np.ndarray, expected: float, errors: float = 4.0) -> bool:
    """Whether the mean of independent numbers agrees with its expectation, within that many Monte Carlo standard errors."""
    return bool(abs(sample.mean() - expected) <= errors * sample.std(ddof=1) / math.sqrt(sample.size))


@pytest.mark.parametrize("layout", LAYOUTS, ids=repr)
def test_every_layout_obeys_the_laws(layout):
    """Shapes, same seed same numbers, the shape of the batch does not matter, equal content is equal, arrays are fresh."""
    def draw(batch):
        return layout.sample(np.random.default_rng(5), batch)

    assert draw(()).shape == (layout.n, layout.dimension)
    six = draw((6,))
    assert six.shape == (6, layout.n, layout.dimension) and np.isfinite(six).all()
    assert np.array_equal(six, draw((6,)))
    assert np.array_equal(six, draw((2, 3)).reshape(six.shape))
    assert np.array_equal(draw((1,))[0], draw(()))
    assert draw((0,)).shape == (0, layout.n, layout.dimension)
    six += 1.0
    assert not np.array_equal(six, draw((6,)))
    assert hash(layout) == hash(eval(repr(layout)))


def test_gathered_has_its_mean_and_covariance():
    """Second moments by components; a covariance that is not the one asked for is seen."""
    layout = Gathered(1, covariance=((4.0, 1.5), (1.5, 2.0)), centre=(3.0, -1.0))
    x = layout.sample(np.random.default_rng(1), MANY)[:, 0] - [3.0, -1.0]
    for i, j, c in ((0, 0, 4.0), (0, 1, 1.5), (1, 1, 2.0)):
        assert within(x[:, i] * x[:, j], c)
        assert not within(x[:, i] * x[:, j], 1.1 * c)
    assert within(x[:, 0], 0.0) and within(x[:, 1], 0.0)


def test_gathered_default_is_the_published_covariance():
    """Covariance 500 I about the middle of a 512 x 512 image."""
    x = Gathered(1).sample(np.random.default_rng(2), MANY)[:, 0]
    assert within((x[:, 1] - 256.0) ** 2, 500.0)


def test_uniform_fills_its_box():
    """Mean, variance and both ends."""
    x = Uniform(1, low=(0.0, -4.0), high=(2.0, 4.0)).sample(np.random.default_rng(3), MANY)[:, 0]
    assert within(x[:, 1] ** 2, 64 / 12) and within(x[:, 0], 1.0)
    assert -4 <= x[:, 1].min() < -3.99 and 3.99 < x[:, 1].max() <= 4


def test_one_side_keeps_to_its_side():
    """x in the first tenth of the box, y everywhere."""
    x = OneSide(50, low=100.0, high=200.0, share=0.1).sample(np.random.default_rng(4), (200,))
    assert x[..., 0].min() >= 100 and 109.9 < x[..., 0].max() <= 110
    assert x[..., 1].max() > 199


def test_grid_runs_x_fastest_at_cell_centres():
    """Written out by hand."""
    x = Grid((3, 2), low=0.0, high=(6.0, 4.0)).sample(np.random.default_rng(0))
    assert x.tolist() == [[1, 1], [3, 1], [5, 1], [1, 3], [3, 3], [5, 3]]


def test_ring_is_a_regular_polygon():
    """All on the circle, neighbours equally far; jitter takes a ring in 3D out of its plane."""
    x = Ring(6, radius=10.0, centre=(1.0, 2.0)).sample(np.random.default_rng(0), (3,)) - [1.0, 2.0]
    assert np.allclose(np.linalg.norm(x, axis=-1), 10.0)
    assert np.allclose(np.linalg.norm(x - np.roll(x, 1, -2), axis=-1), 10.0)
    assert np.ptp(Ring(6, 3).sample(np.random.default_rng(0))[:, 2]) == 0
    assert within(Ring(20, 3, jitter=2.0, centre=0.0).sample(np.random.default_rng(0), (200,))[..., 2] ** 2, 4.0)


def test_nearly_collinear_has_its_width():
    """Exact line at width 0; the spread across the axis is the width; in 3D the axis is uniform on the sphere."""
    assert smallest_spread(NearlyCollinear(9, width=0.0, centre=0.0).sample(np.random.default_rng(0), (5,))).max() < 1e-5
    x = NearlyCollinear(40, width=3.0, centre=0.0).sample(np.random.default_rng(1), (2000,))
    across = smallest_spread(x) ** 2 * 40 / 38  # a line is fitted: mean and slope cost two of forty degrees
    assert abs(across.mean() / 9.0 - 1) < 0.02
    far = NearlyCollinear(1, 3, length=1e6, width=0.0, centre=0.0).sample(np.random.default_rng(2), MANY)[:, 0]
    assert within((far[:, 2] / np.linalg.norm(far, axis=-1)) ** 2, 1 / 3)


def test_poorest_takes_the_stated_place():
    """Among the candidates it drew: exactly that rank, for every element of a batch."""
    base, seed = Gathered(5), 8
    candidates = base.sample(np.random.default_rng(seed), (4, 200))
    spread = np.sort(smallest_spread(candidates), axis=-1)[:, ::-1]  # best layout first
    for percent, place in ((0.5, 0), (50, 99), (90, 179), (99, 197), (100, 199)):
        chosen = Poorest(base, percent, candidates=200).sample(np.random.default_rng(seed), (4,))
        assert np.array_equal(smallest_spread(chosen), spread[:, place])


def test_poorest_agrees_with_the_theory_sheet():
    """Section 10's spreads of the 50, 90 and 99 % poorest of 2,000 Gaussian layouts."""
    cases = ((Gathered(8, 3, sd=20.0), {50: 10.0, 90: 6.4, 99: 3.7}), (Gathered(5, 3, sd=20.0), {99: 0.7}),
             (Gathered(25, 2, sd=22.0), {90: 15.2}), (Gathered(4, 2, sd=22.0), {99: 1.0}))
    for base, expected in cases:
        for percent, spread in expected.items():
            got = smallest_spread(Poorest(base, percent).sample(np.random.default_rng(0), (8,)))
            assert abs(got.mean() - spread) < 4 * got.std(ddof=1)
            assert not abs(got.mean() - 2.5 * spread) < 4 * got.std(ddof=1)


@pytest.mark.parametrize(("make", "words"), [
    (lambda: Gathered(0), "n is 0"),
    (lambda: Gathered(2.5), "n is 2.5"),  # type: ignore[arg-type]
    (lambda: Gathered(5, 4), "dimension is 4"),
    (lambda: Gathered(5, sd=-1.0), "sd is -1"),
    (lambda: Gathered(5, covariance=((1.0, 2.0), (2.0, 1.0))), "positive definite"),
    (lambda: Gathered(5, 3, covariance=((1.0, 0.0), (0.0, 1.0))), "2 x 2 in 3D"),
    (lambda: Gathered(5, centre=(1.0, 2.0, 3.0)), "centre has shape (3,)"),
    (lambda: Gathered(5, centre=math.nan), "centre holds NaN"),
    (lambda: Uniform(5, low=3.0, high=(9.0, 3.0)), "the box along y goes from 3 to 3"),
    (lambda: Uniform(5, low=3.0, high=(2.0, 9.0)), "the box along x is (3, 2)"),
    (lambda: OneSide(5, share=1.5), "share is 1.5"),
    (lambda: Grid((3,)), "dimension is 1"),
    (lambda: Grid((3, 0)), "shape is 0"),
    (lambda: Ring(5, radius=0.0), "radius is 0"),
    (lambda: NearlyCollinear(5, width=-1.0), "width is -1"),
    (lambda: Fixed([[1.0, 2.0, 3.0, 4.0]]), "dimension is 4"),
    (lambda: Fixed([[1.0, 2.0], [1.0]]), "points"),
    (lambda: Poorest(Gathered(5), 0), "percent is 0"),
    (lambda: Poorest(Gathered(5), 101), "percent is 101"),
    (lambda: Poorest(Gathered(5), 50, candidates=0), "candidates is 0"),
])
def test_bad_arguments_get_one_sentence_with_the_value(make, words):
    """The message names the argument and holds its value."""
    with pytest.raises(InputError) as fault:
        make()
    assert words in str(fault.value) and "\n" not in str(fault.value)

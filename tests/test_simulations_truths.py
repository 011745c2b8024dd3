"""True transformations and deformations: laws of rotations, stated stretch, amplitude, length and derivative."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import kstest

from regerr.errors import InputError
from simulations import Affine, Fixed, Given, Identity, Rigid, Similarity, SmoothNonrigid, Uniform, rotations

TRUTHS = [
    Rigid(), Rigid(3), Rigid(2, max_angle=5.0, centre=(1.0, 2.0)), Similarity(2), Similarity(3, scale=(2.0, 2.0)), Affine(2),
    Affine(3, stretch=1.1, max_angle=20.0), Identity(2), Identity(3), Given(((1.01, 0.0), (0.0, 1.0)), (3.0, 4.0)),
    SmoothNonrigid(Affine(2), 3.0, 60.0), SmoothNonrigid(Rigid(3), 2.0, 80.0, features=7),
]


@pytest.mark.parametrize("truth", TRUTHS, ids=repr)
def test_every_truth_obeys_the_laws(truth):
    """Batch shapes, same seed same map, batch = loop over its elements, equal content is equal, derivative by differences."""
    def draw(batch):
        return truth.sample(np.random.default_rng(6), batch)

    d = truth.dimension
    x = Uniform(5, d).sample(np.random.default_rng(0))
    one, six = draw(()), draw((6,))
    assert one.apply(x).shape == (5, d) and six.apply(x).shape == (6, 5, d)
    assert one.jacobian(x).shape == (5, d, d) and six.jacobian(x).shape == (6, 5, d, d)
    assert np.array_equal(six.apply(x), draw((6,)).apply(x))
    assert np.allclose(six.apply(x), draw((2, 3)).apply(x).reshape(6, 5, d), rtol=0, atol=1e-9)
    assert np.allclose(six.apply(x), [six[i].apply(x) for i in range(6)], rtol=0, atol=1e-9)
    assert np.allclose(six.jacobian(x), [six[i].jacobian(x) for i in range(6)], rtol=0, atol=1e-12)
    assert hash(truth) == hash(eval(repr(truth)))
    step = 1e-4
    for axis in range(d):
        e = step * np.eye(d)[axis]
        slope = (six.apply(x + e) - six.apply(x - e)) / (2 * step)
        assert np.allclose(slope, six.jacobian(x)[..., axis], rtol=0, atol=1e-7)


@pytest.mark.parametrize("dimension", [2, 3])
@pytest.mark.parametrize("max_angle", [None, 30.0])
def test_rotations_are_proper(dimension, max_angle):
    """R'R = I and det R = 1, and never beyond the largest angle."""
    r = rotations(np.random.default_rng(1), (4000,), dimension, max_angle)
    assert np.allclose(np.swapaxes(r, -1, -2) @ r, np.eye(dimension), rtol=0, atol=1e-14)
    assert np.allclose(np.linalg.det(r), 1.0)
    cosine = (np.trace(r, axis1=-2, axis2=-1) - (dimension == 3)) / 2
    angle = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    limit = 180.0 if max_angle is None else max_angle
    assert 0.99 * limit < angle.max() <= limit + 1e-6


def test_rotations_in_space_follow_the_haar_measure():
    """Rotation angle of density (1 - cos)/pi, images of an axis uniform on the sphere; uniform angles are told apart."""
    r = rotations(np.random.default_rng(2), (5000,), 3)
    angle = np.arccos(np.clip((np.trace(r, axis1=-2, axis2=-1) - 1) / 2, -1, 1))
    assert kstest(angle, lambda a: (a - np.sin(a)) / math.pi).pvalue > 0.001
    for axis in range(3):
        assert kstest(r[:, axis, 0], "uniform", (-1, 2)).pvalue > 0.001
    limited = rotations(np.random.default_rng(2), (5000,), 3, 180.0)
    angle = np.arccos(np.clip((np.trace(limited, axis1=-2, axis2=-1) - 1) / 2, -1, 1))
    assert kstest(angle, lambda a: (a - np.sin(a)) / math.pi).pvalue < 1e-6
    assert kstest(angle / math.pi, "uniform").pvalue > 0.001


def test_rigid_turns_about_its_centre_and_shifts_within_bounds():
    """The image of the centre is the centre and the shift."""
    t = Rigid(2, shift=7.0, centre=(10.0, 20.0)).sample(np.random.default_rng(3), (4000,))
    shift = t.apply(np.array([[10.0, 20.0]]))[:, 0] - [10.0, 20.0]
    assert 6.9 < np.abs(shift).max() <= 7.0
    assert kstest((shift[:, 0] + 7) / 14, "uniform").pvalue > 0.001


@pytest.mark.parametrize("dimension", [2, 3])
def test_similarity_and_affine_have_the_stated_stretch(dimension):
    """Singular values: all one scale, log-uniform; or exactly the stated ratio about a geometric mean of one."""
    rng = np.random.default_rng(4)
    s = np.linalg.svd(Similarity(dimension, scale=(0.5, 2.0)).sample(rng, (3000,)).matrix, compute_uv=False)
    assert np.allclose(s, s[:, :1])
    assert kstest((np.log2(s[:, 0]) + 1) / 2, "uniform").pvalue > 0.001
    matrix = Affine(dimension, stretch=1.3).sample(rng, (3000,)).matrix
    s = np.linalg.svd(matrix, compute_uv=False)
    assert np.allclose(s[:, 0] / s[:, -1], 1.3)
    assert np.allclose(np.linalg.det(matrix), 1.0)
    assert np.ptp(Affine(dimension, max_angle=0.0).sample(rng, (50,)).matrix[:, 0, 1]) > 0.01


def test_given_and_identity_are_what_they_say():
    """A x + t, and nothing."""
    x = np.random.default_rng(0).random((4, 2))
    assert np.allclose(Given(((2.0, 1.0), (0.0, 1.0)), (5.0, 6.0)).sample(np.random.default_rng(0), (2,)).apply(x),
                       x @ np.array([[2.0, 0.0], [1.0, 1.0]]) + [5.0, 6.0])
    assert np.array_equal(Identity(2).sample(np.random.default_rng(0)).apply(x), x)


@pytest.mark.parametrize("dimension", [2, 3])
def test_deformation_has_its_amplitude_and_length(dimension):
    """R.m.s. length at a point, and the Gaussian correlation at two distances, within four Monte Carlo standard errors."""
    amplitude, length, fields = 5.0, 40.0, 20000
    truth = SmoothNonrigid(Identity(dimension), amplitude, length, features=16)
    x = np.zeros((3, dimension))
    x[1, 0], x[2, -1] = length, 1.5 * length
    u = truth.sample(np.random.default_rng(7), (fields,)).apply(x) - x

    def agrees(products: np.ndarray, expected: float) -> bool:
        return bool(abs(products.mean() - expected) < 4 * products.std() / math.sqrt(fields))

    squared = np.sum(u[:, 0] ** 2, axis=-1)
    assert agrees(squared, amplitude**2) and not agrees(squared, 1.1 * amplitude**2)
    assert agrees(u[:, 0, 0] * u[:, 0, 1], 0.0)
    for point, distance in ((1, 1.0), (2, 1.5)):
        products = np.sum(u[:, 0] * u[:, point], axis=-1)
        assert agrees(products, amplitude**2 * math.exp(-(distance**2) / 2))
        assert not agrees(products, amplitude**2 * math.exp(-distance))


def test_one_field_has_the_amplitude_over_a_wide_region():
    """Not only the average over fields: one field, points many lengths apart."""
    truth = SmoothNonrigid(Identity(2), 5.0, 20.0)
    x = Uniform(20000, high=20000.0).sample(np.random.default_rng(0))
    u = truth.sample(np.random.default_rng(1)).apply(x) - x
    assert abs(np.sqrt(np.mean(np.sum(u**2, -1))) / 5.0 - 1) < 0.03


def test_deformation_comes_after_the_affine_map():
    """The displacement is read off at the image, and its derivative chains with the matrix."""
    truth = SmoothNonrigid(Affine(2, scale=(3.0, 3.0)), 4.0, 100.0)
    t = truth.sample(np.random.default_rng(2), (3,))
    x = Uniform(6).sample(np.random.default_rng(3))
    z = t.transform.apply(x)
    assert np.array_equal(t.apply(x), z + t.displacement(z))
    assert np.abs(t.displacement(z)).max() > 1.0


def test_deformation_within_the_allowed_slope_does_not_fold():
    """At the largest amplitude that is accepted the determinant is negative almost nowhere."""
    t = SmoothNonrigid(Identity(2), 20.0, 60.0).sample(np.random.default_rng(4), (50,))
    assert np.mean(np.linalg.det(t.jacobian(Uniform(400).sample(np.random.default_rng(5)))) <= 0) < 0.005


@pytest.mark.parametrize(("make", "words"), [
    (lambda: Rigid(4), "dimension is 4"),
    (lambda: Rigid(2, max_angle=200.0), "max_angle is 200"),
    (lambda: Rigid(2, shift=-1.0), "shift is -1"),
    (lambda: Similarity(2, scale=(2.0, 1.0)), "scale is (2, 1)"),
    (lambda: Similarity(2, scale=(0.0, 1.0)), "scale is (0, 1)"),
    (lambda: Similarity(2, scale=(1.0,)), "scale is (1.0,)"),  # type: ignore[arg-type]
    (lambda: Affine(2, stretch=0.5), "stretch is 0.5"),
    (lambda: Given(((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))), "shape (2, 3)"),
    (lambda: Given(((1.0, 0.0), (0.0, 1.0)), (1.0, 2.0, 3.0)), "offset has shape (3,)"),
    (lambda: SmoothNonrigid(Identity(2), 50.0, 60.0), "folds"),
    (lambda: SmoothNonrigid(Identity(2), 1.0, 0.0), "length is 0"),
    (lambda: SmoothNonrigid(Identity(2), 1.0, 9.0, features=0), "features is 0"),
    (lambda: Fixed("beads"), "points is 'beads'"),
])
def test_bad_arguments_get_one_sentence_with_the_value(make, words):
    """The message names the argument and holds its value."""
    with pytest.raises(InputError) as fault:
        make()
    assert words in str(fault.value) and "\n" not in str(fault.value)

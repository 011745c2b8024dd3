"""The ICIP 2021 forms, and ec-CLEM as coded against the numbers that it wrote itself."""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from cases import motion, moved

import regerr
from regerr import FiducialPairs, Transform
from regerr.baselines import ecclem, fitzpatrick, icip
from regerr.baselines.ecclem import EcClemEllipse, EcClemMap
from regerr.baselines.icip import Icip
from regerr.errors import InputError, UndeterminedError

BOTH = pytest.mark.parametrize("dimension", [2, 3])
ALL = [*icip.BASELINES, *ecclem.BASELINES, EcClemMap("affine")]
PROPER = ("d2_n10_rigid", "d2_n12_similarity", "d2_n25_affine", "d2_n50_rigid", "d3_n12_rigid", "d3_n50_affine")


def sample(dimension: int, seed: int, n: int = 9, batch: tuple[int, ...] = (4,)) -> tuple[FiducialPairs, np.ndarray, np.ndarray]:
    rng = np.random.default_rng([seed, dimension])
    x = 30 * rng.standard_normal((*batch, n, dimension)) + 40
    targets = 90 * rng.standard_normal((3, dimension))
    return FiducialPairs(x, x + rng.standard_normal(x.shape)), targets, targets + 2 * rng.standard_normal((*batch, 3, dimension))


# What the plugin wrote


class Reference:
    """Tables and points of one set, read once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.matrices: dict[tuple[str, str, str], dict[tuple[str, str], float]] = defaultdict(dict)
        for row in self._rows("matrices.csv"):
            if row["value"]:
                self.matrices[row["dataset"], row["model"], row["quantity"]][row["row"], row["col"]] = float(row["value"])
        self.points: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
        for row in self._rows("points.csv"):
            self.points[row["dataset"], row["model"]].append(row)

    def _rows(self, name: str) -> list[dict[str, str]]:
        with (self.folder / name).open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def pairs(self, name: str) -> tuple[FiducialPairs, np.ndarray]:
        source, target, test = (np.loadtxt(self.folder / "points" / f"{name}_{part}.csv", delimiter=",", skiprows=1)[:, 1:]
                                for part in ("source", "target", "test"))
        return FiducialPairs(source, target), test

    def column(self, name: str, model: str, column: str) -> np.ndarray:
        return np.array([float(row[column]) for row in self.points[name, model]])


@pytest.fixture
def reference(shared_data: Path) -> Reference:
    return Reference(shared_data / "ecclem_reference")


@pytest.mark.parametrize("name", PROPER)
@pytest.mark.parametrize("model", ["rigid", "affine"])
@pytest.mark.filterwarnings("ignore:.*(mirrored fit|look exchanged|too small to be true)")
def test_predictions_fle_and_map_are_what_the_plugin_wrote(reference, name, model):
    pairs, test = reference.pairs(name)
    upper, answer = model.upper(), EcClemMap(model).predict(pairs, test, "tre")
    for i, axis in enumerate("xyz"[:pairs.dimension]):
        np.testing.assert_allclose(answer.mean[:, i], reference.column(name, upper, f"p{axis}"), rtol=1e-9, atol=1e-7)
    fre2, fle2 = (reference.matrices[name, upper, q]["", ""] for q in ("mean_square_FRE", "expected_square_FLE"))
    assert ecclem.squared_fle(np.array(fre2), pairs.n) == pytest.approx(fle2, rel=1e-12)
    np.testing.assert_allclose(answer.rms, reference.column(name, upper, "TREComputer_rms_TRE"), rtol=1e-9)


ELLIPSES = [(name, model) for model in ("rigid", "affine") for name in PROPER if model == "affine" or name.startswith("d2")]


@pytest.mark.parametrize(("name", "model"), ELLIPSES)
@pytest.mark.filterwarnings("ignore:.*(mirrored fit|look exchanged|too small to be true)")
def test_covariances_and_ellipses_are_what_the_plugin_wrote(reference, name, model):
    pairs, test = reference.pairs(name)
    d, upper, answer = pairs.dimension, model.upper(), EcClemEllipse(model).predict(pairs, test, "observation")
    np.testing.assert_allclose(answer.covariance, written(reference, name, upper, d), rtol=1e-7,
                               atol=1e-9 * np.abs(answer.covariance).max())
    axes = np.sort([reference.column(name, upper, f"ev{i}") for i in range(d)], 0).T
    np.testing.assert_allclose(np.linalg.eigvalsh(answer.region(0.95).matrix), axes, rtol=1e-7)


def test_its_derivatives_in_space_are_not_copied(reference):
    """By the second Euler angle it has cos(b cos c) for cos b cos c, which moves the covariances here by up to 0.8 %."""
    pairs, test = reference.pairs("d3_n12_rigid")
    answer, theirs = EcClemEllipse().predict(pairs, test, "observation"), written(reference, "d3_n12_rigid", "RIGID", 3)
    assert 0.001 < np.abs(answer.covariance - theirs).max() / np.abs(theirs).max() < 0.009


def written(reference: Reference, name: str, model: str, d: int) -> np.ndarray:
    out = np.empty((len(reference.points[name, model]), d, d))
    for i, j in zip(*np.triu_indices(d), strict=True):
        out[:, i, j] = out[:, j, i] = reference.column(name, model, f"c{i}{j}")
    return out


# What is wrong there


def test_its_fle_is_short_and_its_map_is_not_the_published_formula():
    """Theory, section 16: for a squared FLE of 2 in 2D 1.44 (n = 4) and 1.79 (n = 10); of 3 in 3D 1.72 and 2.53."""
    for d, n, expected in ((2, 4, 1.44), (2, 10, 1.79), (3, 4, 1.72), (3, 10, 2.53)):
        rng = np.random.default_rng([11, d, n])
        x, half = 25 * rng.standard_normal((n, d)), math.sqrt(0.5)
        source, target = (x + half * rng.standard_normal((20_000, n, d)) for _ in range(2))
        fle2 = ecclem.squared_fle(regerr.fit(FiducialPairs(source, target)).fre_rms**2, n)
        assert abs(fle2.mean() - expected) < 4 * fle2.std() / math.sqrt(20_000) + 0.005
    square = np.array([[1.0, 1], [-1, 1], [-1, -1], [1, -1]])
    far = np.array([[1e4, 0.0]])
    published = fitzpatrick.squared_tre(square, far, np.array(2.0))
    np.testing.assert_allclose(ecclem.squared_tre(square, far, np.array(2.0)) / published, 4.0, rtol=1e-6)  # n times, 2D


@BOTH
def test_its_map_moves_with_the_origin(dimension):
    pairs, targets, _ = sample(dimension, 1)
    shift = Transform.from_matrix(np.eye(dimension), np.full(dimension, 500.0))
    before = EcClemMap().predict(pairs, targets, "tre").rms
    after = EcClemMap().predict(moved(pairs, target=shift), targets, "tre").rms
    assert (after > 2 * before).all()


def test_its_rigid_ellipse_covers_too_much():
    """The factor of the affine ellipse where the rigid one needs less: 2D, n = 6, F_{2,2} in place of F_{2,9}."""
    rng = np.random.default_rng(12)
    x = 25 * rng.standard_normal((6, 2))
    pairs = FiducialPairs(np.broadcast_to(x, (4_000, 6, 2)), x + rng.standard_normal((4_000, 6, 2)))
    seen = np.array([[30.0, 0.0]]) + rng.standard_normal((4_000, 1, 2))
    as_coded, as_published = (estimator.predict(pairs, [[30.0, 0.0]], "observation").region(0.95)
                              for estimator in (EcClemEllipse(), Icip("rigid")))
    error = math.sqrt(0.95 * 0.05 / 4_000)
    assert as_coded.contains(seen).mean() > 0.95 + 6 * error
    assert abs(as_published.contains(seen).mean() - 0.95) < 4 * error + 0.005  # to first order


# The ICIP forms


@pytest.mark.parametrize(("model", "noise"), [("affine", "full"), ("rigid", "target")])
@BOTH
def test_icip_is_the_wald_region_of_the_library(model, noise, dimension):
    pairs, targets, points = sample(dimension, 2)
    for kind in ("tre", "observation"):
        answer = Icip(model).predict(pairs, targets, kind)
        own = regerr.fit(pairs, model, noise).predict(targets, kind)
        np.testing.assert_allclose(answer.p_value(points), own.p_value(points, "wald"), rtol=1e-9, atol=1e-15)
        np.testing.assert_allclose(answer.region(0.9).volume, own.region(0.9, "wald").volume, rtol=1e-9)
        np.testing.assert_allclose(answer.rms, own.rms, rtol=1e-12)


@BOTH
def test_icip_affine_by_the_formula_of_the_paper(dimension):
    """Maximum likelihood covariance R'R/n, times n/(n - p), and Hotelling's factor; the same as ec-CLEM's affine ellipse."""
    from scipy.stats import f

    pairs, targets, points = sample(dimension, 3, batch=())
    n, d, p = pairs.n, dimension, dimension + 1
    z, x = np.column_stack([np.ones(n), pairs.source]), np.column_stack([np.ones(3), targets])
    b = np.linalg.lstsq(z, pairs.target, rcond=None)[0]
    s = (pairs.target - z @ b).T @ (pairs.target - z @ b) / n * n / (n - p)
    h = np.einsum("mi,ij,mj->m", x, np.linalg.inv(z.T @ z), x)
    limit = (1 + h) * d * (n - p) / (n - p - d + 1) * f.ppf(0.95, d, n - p - d + 1)
    e = points - x @ b
    excess = np.einsum("mi,ij,mj->m", e, np.linalg.inv(s), e) / limit
    for estimator in (Icip("affine"), EcClemEllipse("affine")):
        region = estimator.predict(pairs, targets, "observation").region(0.95)
        np.testing.assert_allclose(region.excess(points), excess, rtol=1e-9)


def test_icip_affine_is_exact_when_the_source_is_free_of_noise():
    rng = np.random.default_rng(13)
    x, shape = 25 * rng.standard_normal((7, 2)), np.array([[2.0, 0.0], [1.5, 0.4]])
    pairs = FiducialPairs(np.broadcast_to(x, (10_000, 7, 2)), x + rng.standard_normal((10_000, 7, 2)) @ shape.T)
    target = np.array([[80.0, 10.0]])
    region = Icip().predict(pairs, target, "tre").region(0.95)
    assert abs(region.contains(target).mean() - 0.95) < 4 * math.sqrt(0.95 * 0.05 / 10_000)


# Laws


@BOTH
@pytest.mark.parametrize("estimator", ALL, ids=lambda e: e.name)
def test_laws(estimator, dimension):
    pairs, targets, points = sample(dimension, 4)
    kind = estimator.kinds[-1]
    whole = estimator.predict(pairs, targets, kind)
    for i in range(4):
        alone = estimator.predict(pairs[i], targets, kind)
        np.testing.assert_allclose(alone.p_value(points[i]), whole.p_value(points)[i], rtol=1e-8, atol=1e-15)
        np.testing.assert_allclose(alone.region(0.9).volume, whole.region(0.9).volume[i], rtol=1e-8)
    for level in (0.5, 0.95):
        assert (whole.region(level).contains(points) == (whole.p_value(points) >= 1 - level)).all()
    if isinstance(estimator, EcClemMap):
        return
    rng = np.random.default_rng(5)
    there, back = motion(rng, dimension), motion(rng, dimension)
    same = estimator.predict(moved(pairs, there, back), there.apply(targets), kind)
    np.testing.assert_allclose(same.p_value(back.apply(points)), whole.p_value(points), rtol=1e-7, atol=1e-14)
    small, large = (Transform.from_matrix(k * np.eye(dimension)) for k in (0.001, 1000.0))
    units = (small, large) if estimator.model == "affine" else (large, large)
    same = estimator.predict(moved(pairs, *units), units[0].apply(targets), kind)
    np.testing.assert_allclose(same.p_value(1000 * points), whole.p_value(points), rtol=1e-7, atol=1e-14)


@pytest.mark.parametrize("estimator", ALL, ids=lambda e: e.name)
def test_failures_are_marked_and_contain_nothing(estimator):
    pairs, targets, points = sample(3, 6, batch=(2,))
    flat = pairs.source.copy()
    flat[1] = flat[1, :, :1]
    answer = estimator.predict(FiducialPairs(flat, pairs.target), targets, estimator.kinds[-1])
    assert answer.failure[0] == 0 and answer.failure[1] > 0 and np.isnan(answer.mean[1]).all()
    assert not answer.region(0.95).contains(points)[1].any() and np.isnan(answer.rms[1]).all()


def test_what_cannot_be():
    pairs, targets, _ = sample(2, 7, n=4, batch=())
    with pytest.raises(InputError, match="the paper has 'affine' and 'rigid'"):
        Icip("similarity")
    with pytest.raises(InputError, match="kept for 'affine' and 'rigid'"):
        EcClemEllipse("spline")
    with pytest.raises(InputError, match="kind is 'lre'"):
        Icip().predict(pairs, targets, "lre")
    with pytest.raises(UndeterminedError, match="4 pairs are too few for the ellipse of ec-CLEM in 2D, which needs 5"):
        EcClemEllipse().predict(pairs, targets, "observation")

"""FLE from repeats: variance components against a library and against simulated truth, covariances for a fit, and the command."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from regerr import FiducialPairs, InputError, RegistrationWarning, fit, read_points
from regerr.cli import app
from regerr.linalg import trace
from regerr.repeat_files import read_repeats
from regerr.repeats import Repeats
from regerr.shrinkage import log_likelihood, shrinkage
from regerr.variance_components import Cells, clustered, components, point_scatter

WITHIN, BETWEEN = np.array([0.5, 0.8, 1.1]), np.array([0.4, 0.9, 0.6])  # s.d. per axis
BY_NUMBER = "ignore:the files hold .* points that only numbers name"


def placed(rng: np.random.Generator, n: int = 12, people: int = 5, times: int = 3, missing: float = 0.0, shared: float = 0.0,
           unequal: float = np.inf) -> tuple[np.ndarray, np.ndarray]:
    """Placements (p, n, 3) and the person of each file; ``shared`` is the s.d. of a shift that a person gives to all points."""
    person = np.repeat(np.arange(people), times)
    size = np.ones(n) if np.isinf(unequal) else np.sqrt(unequal / rng.chisquare(unequal, n))
    idea = (rng.normal(size=(people, n, 3)) * BETWEEN + shared * rng.normal(size=(people, 1, 3))) * size[:, None]
    x = rng.uniform(-50, 50, (n, 3)) + idea[person] + rng.normal(size=(len(person), n, 3)) * WITHIN * size[:, None]
    x[rng.random(x.shape[:2]) < missing] = np.nan
    return x, person


def estimates(draw: Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray]], count: int, seed: int) -> np.ndarray:
    """Variances and standard errors of ``count`` simulated sets: (count, within/between/total, value/error, axes)."""
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(count):
        found = components(Cells.of(*draw(rng)))
        assert found.between is not None
        out.append([[c.axes.value, c.axes.error] for c in (found.within, found.between, found.total)])
    return np.array(out)


# The closed forms


def test_sums_of_squares_are_those_of_a_loop() -> None:
    x, person = placed(np.random.default_rng(1), missing=0.3)
    cells = Cells.of(x, person)
    found = components(cells)
    scatter, degrees = point_scatter(cells)
    inside, freedom, across, of_between, of_within = np.zeros((3, 3)), 0, np.zeros((3, 3)), 0.0, 0.0
    for j in range(x.shape[1]):
        groups = [g[np.isfinite(g[:, 0])] for g in (x[person == r, j] for r in range(5))]
        groups = [g for g in groups if len(g)]
        own = sum((g - g.mean(0)).T @ (g - g.mean(0)) for g in groups)
        k = sum(len(g) - 1 for g in groups)
        np.testing.assert_allclose(scatter[j] * degrees[j], own, atol=1e-12)
        assert degrees[j] == k
        every, sizes = np.concatenate(groups), np.array([len(g) for g in groups])
        across += sum(len(g) * np.outer(g.mean(0) - every.mean(0), g.mean(0) - every.mean(0)) for g in groups)
        inside, freedom = inside + own, freedom + k
        of_between += len(every) - (sizes**2).sum() / len(every)
        of_within += len(groups) - 1
    np.testing.assert_allclose(found.within.covariance, inside / freedom, rtol=1e-12)
    np.testing.assert_allclose(found.between.covariance, (across - of_within * inside / freedom) / of_between, rtol=1e-10)
    np.testing.assert_allclose(found.total.covariance, found.within.covariance + found.between.covariance, rtol=1e-12)


@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_components_agree_with_a_mixed_linear_model(missing: float) -> None:
    """REML of statsmodels: the same number when nothing is missing, near it when something is."""
    from statsmodels.regression.mixed_linear_model import MixedLM

    x, person = placed(np.random.default_rng(2), n=8, people=6, times=4, missing=missing)
    found = components(Cells.of(x, person))
    there = np.isfinite(x[..., 0])
    file, point = np.nonzero(there)
    for axis in range(3):
        cell = person[file] * 8 + point
        fitted = MixedLM(x[file, point, axis], np.eye(8)[point], groups=cell).fit(reml=True)
        theirs = float(fitted.scale), float(np.squeeze(fitted.cov_re))
        ours = found.within.axes[axis], found.between.axes[axis]
        if missing:
            assert all(abs(mine.value - other) < 0.5 * mine.error for mine, other in zip(ours, theirs, strict=True))
        else:
            np.testing.assert_allclose([mine.value for mine in ours], theirs, rtol=2e-4)


# Simulated truth


@pytest.mark.parametrize("missing", [0.0, 0.25])
def test_components_are_unbiased(missing: float) -> None:
    found = estimates(lambda rng: placed(rng, missing=missing), 400, 3)[:, :, 0]
    error = found.std(0, ddof=1) / np.sqrt(len(found))
    truth = np.array([WITHIN**2, BETWEEN**2, WITHIN**2 + BETWEEN**2])
    assert (np.abs(found.mean(0) - truth) < 4 * error).all()


def test_people_taken_for_repeats_of_one_are_found_out() -> None:
    """The control: without the people, the scatter of one person comes out as that of all."""
    rng = np.random.default_rng(4)
    found = np.array([components(Cells.of(x, np.zeros_like(p))).within.axes.value
                      for x, p in (placed(rng) for _ in range(200))])
    assert (np.abs(found.mean(0) - WITHIN**2) > 10 * found.std(0) / np.sqrt(200)).all()


@pytest.mark.parametrize("options", [{}, {"unequal": 6.0}, {"shared": 0.8}], ids=["alike", "unequal points", "shifts of people"])
def test_standard_errors_are_those_of_replicates(options: dict[str, float]) -> None:
    """Mean squared standard error over the variance of replicates: about 1, and never far below.

    With 20 people who shift all points alike, the mean over few people scatters, so its own error is wide.
    """
    found = estimates(lambda rng: placed(rng, n=20, people=20, times=2, **options), 250, 5)
    value, error = found[:, :, 0], found[:, :, 1]
    ratio = (error**2).mean(0) / value.var(0, ddof=1)
    low, high = (0.7, 1.4) if not options else (0.6, 1.7)
    assert (ratio > low).all() and (ratio < high).all(), ratio


def test_points_alone_do_not_tell_how_people_scatter() -> None:
    """The control of the two-way error: with shifts of people, clusters of points alone give a tenth of the variance or less."""
    rng, values, squares = np.random.default_rng(6), [], []
    for _ in range(150):
        x, person = placed(rng, n=20, people=8, times=2, shared=2.0)
        cells = Cells.of(x, person)
        found = components(cells).between
        values.append(found.axes.value)
        apart = cells.count[..., None] * (cells.mean - cells.centre) ** 2 / (cells.count.sum() * 7 / 8)
        by_point = apart.sum(0) - apart.sum((0, 1)) / 20
        squares.append((by_point**2).sum(0))
    assert (np.mean(squares, 0) < 0.1 * np.var(values, axis=0)).all()


def test_the_error_of_independent_cells_is_the_plain_one() -> None:
    """A little larger, since the larger of three estimates is taken: by their own scatter, sqrt(2/40)."""
    pull = np.random.default_rng(7).normal(size=(40, 50, 2000))
    assert 1.0 < np.mean(clustered(pull) ** 2) / (40 * 50) < 1.0 + np.sqrt(2 / 40)
    assert np.isnan(clustered(pull[:, :1])).all()  # one point tells no error


def test_per_person_and_per_point() -> None:
    """One person twice as careless, one point three times: found within four standard errors."""
    rng = np.random.default_rng(8)
    person, n = np.repeat(np.arange(4), 12), 60
    careless, hard = np.where(person == 2, 2.0, 1.0)[:, None, None], np.where(np.arange(n) == 5, 3.0, 1.0)[:, None]
    repeats = Repeats(rng.normal(size=(48, n, 2)) * careless * hard, raters=[f"P{p}" for p in person])
    fle, truth = repeats.person_fle, 2 * np.array([1, 1, 4, 1]) * (hard**2).mean()
    assert (np.abs(fle.value - truth) < 4 * fle.error).all()
    assert fle.error[2] > 2 * fle.error[0]
    assert np.argmax(trace(repeats.covariances)) == 5
    expected = np.sqrt(2 * (hard**2).mean() * (1 / 12 + (1 / 9) * np.array([1 + 1 + 4, 1 + 1 + 4, 3, 1 + 1 + 4]) / 12
                                               + np.array([0, 0, 3, 0]) / 12))
    np.testing.assert_allclose(repeats.person_offset, expected, rtol=0.15)


# Shrinkage


def test_the_likelihood_is_that_of_an_f_law() -> None:
    from scipy.stats import f

    size, freedom = np.array([0.2, 1.0, 3.0]), np.array([4.8, 2.4, 9.6])
    for variance, degrees in ((0.7, 2.5), (2.0, 40.0), (1.0, 1e5)):
        theirs = f.logpdf(size, freedom, degrees, scale=variance).sum()
        assert log_likelihood(size, freedom, variance, degrees) == pytest.approx(theirs, rel=1e-7)


@pytest.mark.parametrize("unequal", [1.5, 4.0, np.inf])
def test_the_likeliest_law_is_the_best_of_a_grid(unequal: float) -> None:
    x, person = placed(np.random.default_rng(9), n=30, unequal=unequal)
    scatter, degrees = point_scatter(Cells.of(x, person))
    found = shrinkage(scatter, degrees)
    size, freedom = trace(scatter) / 3, 0.8 * 3 * degrees
    grid = max(log_likelihood(size, freedom, v, nu) for v in np.geomspace(0.05, 5, 150) for nu in np.geomspace(0.2, 1e5, 150))
    assert log_likelihood(size, freedom, found.variance, found.degrees) >= grid - 1e-6


def test_the_law_of_the_points_is_recovered() -> None:
    """Gaussian repeats, alike in all axes, of points whose variances are inverse chi-square: nu0 and s0^2 in the middle."""
    rng = np.random.default_rng(10)
    found = []
    for _ in range(40):
        size = np.sqrt(2.5 / rng.chisquare(2.5, 32))
        x = rng.normal(size=(9, 32, 3)) * size[:, None]
        one = shrinkage(*point_scatter(Cells.of(x, np.zeros(9, int))))
        found.append((np.log(one.degrees), np.log(one.variance)))
    middle, error = np.mean(found, 0), np.std(found, axis=0, ddof=1) / np.sqrt(40)
    # the 0.8 is for unequal axes: alike ones have all d k degrees, which makes nu0 a little large
    assert abs(middle[1]) < 4 * error[1] + 0.05
    assert -4 * error[0] < middle[0] - np.log(2.5) < 4 * error[0] + 0.15


def test_shrunk_covariances_are_nearer_to_the_truth_than_raw_ones_and_than_one_for_all() -> None:
    rng = np.random.default_rng(11)
    gain = []
    for _ in range(60):
        size = 3.0 / rng.chisquare(3.0, 30)
        truth = size[:, None, None] * np.diag([0.5, 1.0, 1.5])
        x = rng.normal(size=(6, 30, 3)) * np.sqrt(size[:, None] * [0.5, 1.0, 1.5])
        scatter, degrees = point_scatter(Cells.of(x, np.zeros(6, int)))
        shrunk, pooled = shrinkage(scatter, degrees).covariances(scatter, degrees), np.broadcast_to(scatter.mean(0), (30, 3, 3))
        gain.append([stein(c, truth) for c in (shrunk, scatter, pooled)])
    shrunk, raw, pooled = np.mean(gain, 0)
    assert shrunk < 0.5 * raw and shrunk < 0.5 * pooled


def stein(estimate: np.ndarray, truth: np.ndarray) -> float:
    """Stein's loss, mean over points: 0 for the truth."""
    ratio = estimate @ np.linalg.inv(truth)
    return float((trace(ratio) - np.linalg.slogdet(ratio)[1] - 3).mean())


def test_repeats_say_what_they_are() -> None:
    x, person = placed(np.random.default_rng(33))
    assert repr(Repeats(x, raters=person.astype(str), unit="nm")) == "<Repeats: 12 points in 3D, 15 files by 5 people, nm>"
    assert repr(Repeats(x)) == "<Repeats: 12 points in 3D, 15 files>"


def test_the_formula_of_a_shrunk_covariance() -> None:
    x, person = placed(np.random.default_rng(12), n=15, unequal=3.0)
    repeats = Repeats(x, raters=person.astype(str))
    law, k = repeats.shrinkage, repeats.degrees
    assert np.trace(law.shape) == pytest.approx(3.0)
    v = law.degrees / 3 + 4
    for j in (0, 7):
        wanted = (v * law.variance * law.shape + k[j] * repeats.scatter[j]) / (v + k[j])
        np.testing.assert_allclose(repeats.covariances[j], wanted, rtol=1e-12)


# Shifts of whole files, and slips


def test_shifts_of_frames_are_taken_out_without_bias() -> None:
    rng = np.random.default_rng(13)
    found, plain = [], []
    for _ in range(200):
        x = rng.normal(size=(4, 6, 2)) * [0.5, 1.0] + rng.normal(size=(4, 1, 2)) * 20
        x[rng.random((4, 6)) < 0.1] = np.nan
        found.append(Repeats(x, drift=True).components.within.axes.value)
        plain.append(Repeats(x).components.within.axes.value)
    error = np.std(found, axis=0) / np.sqrt(200)
    assert (np.abs(np.mean(found, 0) - [0.25, 1.0]) < 4 * error).all()
    assert (np.mean(plain, 0) > 100).all()  # the control


def test_shifts_are_recovered() -> None:
    rng = np.random.default_rng(14)
    moves = rng.normal(size=(5, 2))
    x = rng.uniform(0, 100, (20, 2)) + moves[:, None]
    x[0, :3], x[3, 5] = np.nan, np.nan
    np.testing.assert_allclose(Repeats(x + 1e-9 * rng.normal(size=x.shape)).shifts, moves - moves.mean(0), atol=1e-8)


@pytest.mark.parametrize(("shift", "said"), [(0.0, False), (1.0, True)])
def test_the_summary_tells_shifted_files(shift: float, said: bool) -> None:
    rng = np.random.default_rng(15)
    x = rng.uniform(0, 100, (30, 2)) + rng.normal(size=(4, 30, 2)) + shift * rng.normal(size=(4, 1, 2))
    assert ("take it out with --drift" in " ".join(Repeats(x).summary().split())) is said


def test_slips_are_left_out_and_listed() -> None:
    rng = np.random.default_rng(16)
    x = rng.uniform(0, 100, (10, 2)) + rng.normal(size=(5, 10, 2))
    x[2, 4] += 60
    repeats = Repeats(x, names=list("abcdefghij"), beyond=20)
    assert [(one.file, one.name) for one in repeats.left_out] == [("file 3", "e")]
    assert repeats.left_out[0].distance == pytest.approx(60 * np.sqrt(2), abs=6)
    assert repeats.degrees.tolist() == [3 if name == "e" else 4 for name in "abcdefghij"]
    assert "e in file 3" in repeats.summary()
    assert Repeats(x).components.within.size.value > 5 * repeats.components.within.size.value
    drifted = x + rng.normal(size=(5, 1, 2)) * 100
    assert [one.name for one in Repeats(drifted, names=list("abcdefghij"), beyond=20, drift=True).left_out] == ["e"]


# As the noise of a registration


def test_covariances_go_to_pairs_by_name() -> None:
    x, _ = placed(np.random.default_rng(17), n=5, unequal=2.0)
    repeats = Repeats(x, names=list("abcde"), unit="nm")
    order = ["d", "a", "e"]
    pairs = FiducialPairs(x[0, [3, 0, 4]], x[1, [3, 0, 4]], order, "nm", "nm")
    wanted = repeats.covariances[[3, 0, 4]]
    noise = repeats.noise(pairs, "source")
    np.testing.assert_array_equal(noise.source_covariance, wanted)
    assert noise.target_covariance is None
    given = repeats.attach(pairs, "target")
    np.testing.assert_array_equal(given.target_covariance, wanted)
    assert given.source_covariance is None and given.names == pairs.names
    both = repeats.attach(pairs)
    np.testing.assert_array_equal(both.source_covariance, both.target_covariance)
    with pytest.raises(InputError, match="the repeats are in nm and the pairs' source is in px: give both in one unit"):
        repeats.attach(FiducialPairs(pairs.source, pairs.target, order, "px", "nm"), "source")
    with pytest.raises(InputError, match="space is 'image': use 'source', 'target' or 'both'"):
        repeats.noise(pairs, "image")


def test_a_fit_with_covariances_from_repeats_is_nearer_and_covers() -> None:
    """Unequal beads, three frames more of each: r.m.s. TRE at a far target falls, and the region keeps its level."""
    rng = np.random.default_rng(30)
    size = np.sqrt(2.5 / rng.chisquare(2.5, 12))[:, None]
    beads, target = rng.uniform(0, 100, (12, 2)), np.array([[180.0, 40.0]])
    repeats = Repeats(beads + rng.normal(size=(6, 12, 2)) * size)
    source, seen = (beads + rng.normal(size=(400, 12, 2)) * size for _ in range(2))
    pairs = FiducialPairs(source, seen)
    found = {}
    for key, given in {"plain": pairs, "repeats": repeats.attach(pairs)}.items():
        where = fit(given, "rigid", on_failure="mark").predict(target, "tre")
        found[key] = np.sqrt(((where.mean - target) ** 2).sum(-1).mean()), where.region(0.95).contains(target).mean()
    assert found["repeats"][0] < 0.85 * found["plain"][0]
    assert abs(found["repeats"][1] - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 400)
    noise = fit(pairs, "rigid", repeats.noise(pairs), on_failure="mark").predict(target, "tre")
    np.testing.assert_allclose(noise.mean, fit(repeats.attach(pairs), "rigid").predict(target, "tre").mean, rtol=1e-9)


def test_points_without_repeats_get_what_is_typical() -> None:
    x, _ = placed(np.random.default_rng(18), n=5)
    repeats = Repeats(x, names=list("abcde"))
    with pytest.warns(RegistrationWarning, match="'z' has no repeats: the typical covariance is assumed"):
        found = repeats.covariances_of(["z", "b"])
    np.testing.assert_array_equal(found, [repeats.shrinkage.typical, repeats.covariances[1]])
    with pytest.raises(InputError, match="none of the pairs has repeats: the pairs are named '1', '2', the repeated points 'a'"):
        repeats.covariances_of(["1", "2"])


def test_the_covariance_of_a_mean_is_that_of_means() -> None:
    """Variance of the mean places over replicates, three people, twice each; and in one point only one person's."""
    rng, mean, told = np.random.default_rng(19), [], []
    for _ in range(300):
        person = np.repeat(np.arange(3), 2)
        x = (rng.normal(size=(3, 20, 2)) * 2)[person] + rng.normal(size=(6, 20, 2))
        x[2:, 7] = np.nan
        repeats = Repeats(x, raters=person.astype(str))
        mean.append(repeats.mean)
        told.append(np.diagonal(repeats.mean_covariance, axis1=1, axis2=2))
    expected = np.where(np.arange(20) == 7, 4 + 1 / 2, 4 / 3 + 1 / 6)
    np.testing.assert_allclose(np.mean(told, 0).mean(1), expected, rtol=0.08)
    np.testing.assert_allclose(np.var(mean, axis=0).mean(1), expected, rtol=0.3)


# Measured data


@pytest.mark.filterwarnings(BY_NUMBER)
@pytest.mark.parametrize(("template", "files", "within", "means", "worst", "out"), [
    ("Agile12v2016", 32, "0.65", "0.58", {"18": "1.13", "8": "1.12", "29": "1.12"}, 7),
    ("Colin27", 32, "0.69", "0.64", {"24": "1.61", "28": "1.49", "9": "1.30"}, 20)])
def test_landmarks_of_people(shared_data: Path, template: str, files: int, within: str, means: str, worst: dict[str, str],
                             out: int) -> None:
    """Numbers computed apart from this library: s.d. per coordinate within a rater, of the raters' means, of the worst points."""
    repeats = read_repeats(sorted((shared_data / "afids_templates").glob(f"{template}_*.fcsv")), r"Rater(\d+)", beyond=10.0)
    assert (len(repeats.files), len(repeats.people), repeats.unit) == (files, 8, "mm")
    assert len(repeats.left_out) in (out, out - 1)  # the reference also took a point that its file hides
    found = repeats.components
    assert f"{np.sqrt(found.within.axes.value.mean()):.2f}" == within
    of_means = np.sqrt((found.between.axes.value + found.within.axes.value / 4).mean())  # four sessions each
    assert abs(of_means - float(means)) < 0.015
    assert 2.0 < repeats.shrinkage.degrees < 3.0
    anybody = Repeats(repeats.used, repeats.names)
    sd = np.sqrt(trace(anybody.scatter) / 3)
    assert {anybody.names[i]: f"{sd[i]:.2f}" for i in np.argsort(-sd)[:3]} == worst
    assert {anybody.names[i] for i in np.argsort(sd)[:3]} == {"1", "2", "12"}


@pytest.mark.filterwarnings(BY_NUMBER)
def test_landmarks_of_one_template_with_missing_ones(shared_data: Path) -> None:
    repeats = read_repeats(sorted((shared_data / "afids_templates").glob("MNI152*.fcsv")), r"Rater(\d+)", beyond=10.0)
    assert np.isnan(repeats.placements).any()
    assert 2.0 < repeats.shrinkage.degrees < 3.0
    assert np.linalg.eigvalsh(repeats.covariances).min() > 0


# The command


@pytest.fixture
def frames(tmp_path: Path) -> list[Path]:
    rng = np.random.default_rng(20)
    beads = rng.uniform(0, 512, (8, 2))
    out = []
    for k in range(3):
        path = tmp_path / f"frame{k}.csv"
        rows = [f"bead {i},{x:.4f},{y:.4f}" for i, (x, y) in enumerate(beads + 0.1 * rng.normal(size=(8, 2))) if (i, k) != (2, 1)]
        path.write_text("name,x (nm),y (nm)\n" + "\n".join(rows) + "\n", encoding="utf-8")
        out.append(path)
    return out


def run(*arguments: object):
    return CliRunner().invoke(app, ["fle", *map(str, arguments)])


def test_the_table_says_what_a_microscopist_asks(frames: list[Path]) -> None:
    done = run(*frames)
    assert done.exit_code == 0, done.output
    head = done.stdout.splitlines()[:2]
    assert head[0] == "FLE from repeats: 8 points in 2D, placed in 3 files, lengths in nm."
    value = float(re.search(r"r\.m\.s\. FLE is ([\d.]+) ± [\d.]+ nm", head[1])[1])
    assert value == pytest.approx(0.1 * np.sqrt(2), rel=0.4)
    assert "Per person" not in done.stdout and "Per point, worst first" in done.stdout


def test_json_holds_the_same_numbers(frames: list[Path]) -> None:
    data = json.loads(run(*frames, "--json").stdout)
    repeats = read_repeats(frames)
    assert data["fle"]["within"]["rms"] == pytest.approx(float(repeats.components.within.size.root.value))
    assert data["fle"]["between"] is None
    assert [point["placements"] for point in data["points"]] == [3, 3, 2, 3, 3, 3, 3, 3]
    np.testing.assert_allclose([point["covariance"] for point in data["points"]], repeats.covariances)


def test_people_by_pattern_or_one_by_one(frames: list[Path]) -> None:
    more = [path.rename(path.with_name(f"{who}-{path.name}")) for path, who in zip(frames, ("ann", "bob", "ann"), strict=True)]
    one, other = run(*more, "--rater", r"^(\w+)-"), run(*more, "--rater", "ann", "--rater", "bob", "--rater", "ann")
    assert one.exit_code == 0 and one.stdout == other.stdout
    assert "placed in 3 files by 2 people" in one.stdout and "between people" in one.stdout
    assert re.search(r"^  ann +2 ", one.stdout, re.M) and re.search(r"^  bob +1 +- ", one.stdout, re.M)


def test_what_is_written_can_be_read(frames: list[Path], tmp_path: Path) -> None:
    table, everything = tmp_path / "beads.csv", tmp_path / "fle.json"
    assert run(*frames, "--output", table, "--output", everything).exit_code == 0
    repeats = read_repeats(frames)
    points = read_points(table)
    assert points.names == repeats.names and points.unit == "nm"
    np.testing.assert_allclose(points.points, repeats.mean, rtol=1e-8)
    np.testing.assert_allclose(np.diagonal(points.covariance, axis1=1, axis2=2),
                               np.diagonal(repeats.mean_covariance, axis1=1, axis2=2), rtol=1e-3)
    again = Repeats.load(everything)
    np.testing.assert_array_equal(again.placements, repeats.placements)
    np.testing.assert_allclose(again.covariances, repeats.covariances)
    assert again.summary() == repeats.summary()
    assert "already exists" in run(*frames, "--output", table).stderr
    assert "ends in '.txt': give .json" in run(*frames, "--output", tmp_path / "x.txt").stderr


def test_mean_places_of_two_images_are_registered(frames: list[Path], tmp_path: Path) -> None:
    """What the command is for: frames of each channel to mean places with their s.d., and these to a fit that uses both."""
    green, red = tmp_path / "green.csv", tmp_path / "red.csv"
    turned = [path.with_name(f"red-{path.name}") for path in frames]
    rng = np.random.default_rng(40)
    for path, other in zip(frames, turned, strict=True):
        rows = [line.split(",") for line in path.read_text(encoding="utf-8").splitlines()[1:]]
        moved = [f"{n},{-float(y) + 3 + 0.2 * rng.normal():.4f},{float(x) + 0.2 * rng.normal():.4f}" for n, x, y in rows]
        other.write_text("name,x (nm),y (nm)\n" + "\n".join(moved) + "\n", encoding="utf-8")
    for paths, output in ((frames, green), (turned, red)):
        assert run(*paths, "--drift", "--output", output).exit_code == 0
    done = CliRunner().invoke(app, ["fit", str(green), str(red), "--json"])
    assert done.exit_code == 0, done.output
    data = json.loads(done.stdout)
    assert data["noise"]["shape"] == "given" and data["target_unit"] == "nm"
    assert next(q["value"] for q in data["quantities"] if q["name"] == "rotation") == pytest.approx(90, abs=0.2)


# Bad input

ROWS = np.random.default_rng(21).normal(size=(3, 4, 2))


@pytest.mark.parametrize(("arguments", "words"), [
    ((ROWS[0],), r"the placements have shape \(4, 2\): give \(files, points, 2 or 3\)"),
    ((ROWS[:1],), "with two files or more"),
    ((ROWS, ["a", "b", "c"]), "there are 3 names for 4 points: give one name per point"),
    ((ROWS, ["a", "b", "c", "a"]), "names must be unique, and these are not: 'a'"),
    ((ROWS, None, ["x"]), "there are 1 raters for 3 files: give one rater per file"),
    ((ROWS[[0, 1, 0]],), "file 1 and file 3 hold the same placements: give files that were localised independently"),
    ((np.where(np.eye(3, 4)[..., None] > 0, ROWS, np.nan),), "no point is in two of the files: give them equal names"),
    ((np.where(np.eye(3, 4)[..., None] > 0, np.inf, ROWS),), "placements hold infinity: leave out such points"),
    (([[1, 2], [3]],), "no array of numbers"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_bad_arrays(arguments: tuple, words: str) -> None:
    with pytest.raises(InputError, match=words):
        Repeats(*arguments)


def test_bad_distances_and_flat_scatter() -> None:
    with pytest.raises(InputError, match="beyond is -1: give a positive distance"):
        Repeats(ROWS, beyond=-1)
    with pytest.raises(InputError, match="no point is left that was placed twice"):
        _ = Repeats(ROWS * [[[1]], [[100]], [[10000]]], beyond=1e-6)
    flat = ROWS.copy()
    flat[..., 1] = flat[0, :, 1]
    with pytest.raises(InputError, match="do not scatter in all directions"):
        _ = Repeats(flat).covariances
    assert Repeats(flat).components.within.axes.value[1] < 1e-30
    with pytest.raises(InputError, match="cannot tell shifts of 2 files from scatter"):
        _ = Repeats(ROWS[:2, :1], drift=True).components


def test_bad_files(frames: list[Path], tmp_path: Path) -> None:
    def refused(*arguments: object) -> str:
        done = run(*arguments)
        assert done.exit_code == 2 and done.stdout == "" and done.stderr.count("\n") == 1, done.output
        return done.stderr

    assert "1 file of points cannot tell how far repeats scatter: give two or more" in refused(frames[0])
    assert "the pattern 'Rater(' is no regular expression" in refused(*frames, "--rater", "Rater(")
    assert "finds nobody in 'frame0.csv', 'frame1.csv', 'frame2.csv'" in refused(*frames, "--rater", "R(.)")
    assert "there are 2 raters for 3 files" in refused(*frames, "--rater", "a", "--rater", "b")
    deep = tmp_path / "deep.csv"
    deep.write_text("name,x,y,z\na,1,2,3\nb,2,3,4\n", encoding="utf-8")
    assert "is in 2D and" in refused(frames[0], deep)
    other = tmp_path / "other.csv"
    other.write_text(frames[1].read_text(encoding="utf-8").replace("nm", "px"), encoding="utf-8")
    assert "is in nm and" in refused(frames[0], other)
    assert run(frames[0], other, "--unit", "nm").exit_code == 0
    assert "missing.csv" in refused(frames[0], tmp_path / "missing.csv")


def test_one_image_of_tables_of_pairs(tmp_path: Path) -> None:
    rng, beads = np.random.default_rng(31), np.random.default_rng(32).uniform(0, 90, (6, 2))
    paths = []
    for k in range(3):
        seen = np.hstack([beads + 0.1 * rng.normal(size=(6, 2)), beads + 5 + rng.normal(size=(6, 2))])
        paths.append(tmp_path / f"clicks{k}.csv")
        rows = "\n".join(f"b{i}," + ",".join(f"{v:.4f}" for v in row) for i, row in enumerate(seen))
        paths[-1].write_text(f"name,x_source,y_source,x_target,y_target\n{rows}\n", encoding="utf-8")
    assert "it holds pairs" in run(*paths).stderr
    found = [json.loads(run(*paths, "--columns", f"x_{side},y_{side}", "--json").stdout) for side in ("source", "target")]
    assert found[1]["fle"]["within"]["rms"] > 5 * found[0]["fle"]["within"]["rms"]
    assert [point["name"] for point in found[0]["points"]] == [f"b{i}" for i in range(6)]


def test_files_matched_by_number_say_so(tmp_path: Path) -> None:
    for name, rows in (("a", 4), ("b", 3)):
        text = "\n".join(f"{x},{y}" for x, y in ROWS[0, :rows] + len(name + "x" * rows) * 0.1)
        (tmp_path / f"{name}.csv").write_text(f"x,y\n{text}\n", encoding="utf-8")
    with pytest.warns(RegistrationWarning, match="the files hold 3 to 4 points that only numbers name"):
        read_repeats([tmp_path / "a.csv", tmp_path / "b.csv"])

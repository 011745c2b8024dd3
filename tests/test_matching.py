"""Matching of two point sets: what must not change it, what it refuses, and how often it is right."""

from __future__ import annotations

import time
from itertools import pairwise

import numpy as np
import pytest
from matching_cases import beads, grid, turned

import regerr
from regerr.matching import Verdict, match
from regerr.matching.chance import log_tail, log_tests
from regerr.matching.windows import Window
from regerr.models import Rigid
from validation.matching.scenes import drawn_matrix

FAMILIES = [("rigid", 2), ("rigid", 3), ("similarity", 2), ("similarity", 3), ("affine", 2), ("affine", 3)]
MARKS = pytest.mark.parametrize(("model", "dimension"), FAMILIES, ids=[f"{m}-{d}D" for m, d in FAMILIES])


def links(found) -> frozenset[tuple[int, int]]:
    return found.best.links


# Laws


@MARKS
def test_all_pairs_are_found_and_fit_at_once(model, dimension):
    case = beads(dimension, 40, 0.3, model, seed=1)
    found = match(case.source, case.target, model)
    assert found.accepted and found.alternatives == ()
    right = case.partner[found.best.source_index] == found.best.target_index
    assert right.mean() >= 0.95 and right.sum() >= 0.9 * (case.partner >= 0).sum()
    result = regerr.fit(found.pairs, model)
    assert np.allclose(result.transform.matrix, found.transform.matrix)
    assert np.allclose(result.transform.apply(case.source), found.transform.apply(case.source))
    assert found.pairs.n + sum(u.source is not None for u in found.pairs.unused) == len(case.source)
    assert found.pairs.n + sum(u.target is not None for u in found.pairs.unused) == len(case.target)


@MARKS
def test_motions_of_either_set_change_no_pair(model, dimension):
    case, rng = beads(dimension, 24, 0.3, model, seed=2), np.random.default_rng(5)
    found = match(case.source, case.target, model)
    for _ in range(2):
        a, b = (drawn_matrix("rigid", dimension, rng) for _ in range(2))
        moved = match(case.source @ a.T - 4000.0, case.target @ b.T + 7.0, model)
        assert moved.accepted and links(moved) == links(found)
        assert np.allclose(moved.transform.matrix, b @ found.transform.matrix @ a.T, atol=1e-7)


@MARKS
def test_the_order_of_points_changes_no_pair(model, dimension):
    case, rng = beads(dimension, 24, 0.3, model, seed=3), np.random.default_rng(6)
    p, q = rng.permutation(24), rng.permutation(24)
    found, mixed = match(case.source, case.target, model), match(case.source[p], case.target[q], model)
    assert {(int(p[i]), int(q[j])) for i, j in links(mixed)} == links(found)


@pytest.mark.parametrize(("model", "dimension"), [m for m in FAMILIES if m[0] != "affine"])
def test_swapped_sets_give_the_inverse(model, dimension):
    """Rigid and similarity fits are symmetric; what is told of chance is the same but for which subsets are drawn."""
    case = beads(dimension, 24, 0.3, model, seed=4)
    found, back = match(case.source, case.target[:22], model), match(case.target[:22], case.source, model)
    assert found.accepted and {(j, i) for i, j in links(back)} == links(found)
    assert np.allclose(back.transform.matrix @ found.transform.matrix, np.eye(dimension), atol=1e-9)
    assert abs(back.best.log10_false_alarms - found.best.log10_false_alarms) < 2.0


@pytest.mark.parametrize("model", ["similarity", "affine"])
def test_units_do_not_matter_where_the_scale_is_free(model):
    case = beads(2, 24, 0.3, model, seed=5)
    found, other = match(case.source, case.target, model), match(case.source * 1e-3, case.target * 65.0, model)
    assert links(other) == links(found)
    assert other.best.noise_sd == pytest.approx(65.0 * found.best.noise_sd, rel=1e-6)


def test_the_answer_is_the_same_in_every_run_and_nearly_so_for_another_seed():
    case = beads(2, 60, 0.6, "rigid", seed=6)
    first, again, other = (match(case.source, case.target, seed=s) for s in (0, 0, 1))
    assert first.to_dict() == again.to_dict() and links(first) == links(other)


def test_a_known_scale_of_a_rigid_map():
    case = beads(2, 20, seed=7)
    found = match(case.source, 3.0 * case.target, Rigid(scale=3.0))
    assert links(found) == links(match(case.source, case.target))
    assert not match(case.source, 3.0 * case.target).accepted


def test_bounds_on_the_scale_hold():
    case = beads(2, 20, model="similarity", seed=8)
    size = np.sqrt(np.linalg.det(case.truth.matrix))
    assert match(case.source, case.target, "similarity", scale=(0.9 * size, 1.1 * size)).accepted
    assert match(case.source, case.target, "similarity", scale=(1.5 * size, 3.0 * size)).verdict is Verdict.CHANCE


# Golden cases


def test_without_noise_the_map_is_exact():
    rng = np.random.default_rng(1)
    a = rng.uniform(size=(8, 2)) * 100
    found = match(a, turned(a, 70.0)[::-1] + 12.0)
    assert links(found) == {(i, 7 - i) for i in range(8)}
    assert found.best.noise_sd < 1e-9 and found.transform.matrix[1, 0] == pytest.approx(np.sin(np.radians(70.0)))


def test_beads_on_a_coverslip_in_3d():
    case = beads(2, 20, seed=3)
    flat = [np.column_stack([p, np.zeros(20)]) for p in (case.source, case.target)]
    found = match(*flat)
    assert found.accepted and links(found) == links(match(case.source, case.target))
    assert found.best.probability.min() > 0.9


def test_mirrored_sets_need_the_request():
    case = beads(2, 20, seed=9)
    flipped = case.source * [-1, 1]
    assert match(flipped, case.target).verdict is Verdict.CHANCE
    found = match(flipped, case.target, mirror=True)
    assert found.accepted and found.best.mirrored and links(found) == links(match(case.source, case.target))
    assert np.allclose(found.pairs.source, case.source[found.best.source_index])
    assert np.allclose(found.transform.apply(flipped[found.best.source_index]),
                       regerr.fit(found.pairs).transform.apply(found.pairs.source))
    assert not match(case.source, case.target, mirror=True).best.mirrored


@pytest.mark.parametrize("seed", range(4))
def test_an_affine_map_never_mirrors_unasked(seed):
    """In a thin stack a flip along z is a small change, and an affine fit could slip into it."""
    rng = np.random.default_rng(seed)
    a = rng.uniform(size=(30, 3)) * [1000, 1000, 300]
    b = a * [-1, 1, 1] + rng.standard_normal(a.shape)
    assert not match(a, b, "affine").accepted
    assert match(a, b, "affine", mirror=True).best.mirrored


def test_a_window_in_a_larger_field():
    """About 17 pairs among 24 and 154 points."""
    case = beads(2, 24, 0.3, "similarity", seed=2, share_of_field=0.35, extra=130)
    found = match(case.source, case.target, "similarity")
    assert found.accepted
    assert (case.partner[found.best.source_index] == found.best.target_index).mean() >= 0.9


def test_names_units_and_reasons_are_carried(tmp_path):
    case = beads(2, 12, seed=10)
    for name, points in (("a", case.source), ("b", case.target)):
        rows = "\n".join(f"{name}{i},{x},{y}" for i, (x, y) in enumerate(points))
        (tmp_path / f"{name}.csv").write_text(f"name,x [um],y [um]\n{rows}\n")
    found = regerr.match(regerr.read_points(tmp_path / "a.csv"), regerr.read_points(tmp_path / "b.csv"))
    i, j = next(iter(sorted(links(found))))
    assert found.pairs.names[0] == f"a{i} = b{j}" and found.pairs.source_unit == "µm"
    assert {u.reason for u in found.pairs.unused} >= {"no partner in the target", "no partner in the source"}
    written = regerr.write_pairs(found.pairs, tmp_path / "pairs.csv")
    again = regerr.read_pairs(*written)
    assert again.n == found.pairs.n and len(again.unused) == len(found.pairs.unused)


def test_crowded_points_are_left_out_and_not_guessed():
    case = beads(2, 20, seed=11)
    double = np.concatenate([case.target, case.target[case.partner[:2]] + 1.0])
    found = match(case.source, double)
    assert found.accepted and not {0, 1} & set(found.best.source_index.tolist())
    assert [u.reason for u in found.pairs.unused if u.name in ("1 (source)", "2 (source)")] == ["two candidates within reach"] * 2


# Ambiguous layouts


@pytest.mark.parametrize("points", [grid(5, 5), grid(3, 3), np.concatenate([grid(2, 2, 300.0), 150 + grid(2, 2, 100.0) - 50])],
                         ids=["grid", "small grid", "square in a square"])
def test_symmetric_layouts_are_refused_with_the_alternatives(points):
    rng = np.random.default_rng(1)
    found = match(points, turned(points, 20.0) + rng.standard_normal(points.shape))
    assert found.verdict is Verdict.AMBIGUOUS and "ways" in found.sentence and "Other alignments" in str(found)
    full = [a for a in (found.best, *found.alternatives) if a.pairs.n >= 0.8 * len(points)]
    turns = np.sort([np.degrees(np.arctan2(a.transform.matrix[1, 0], a.transform.matrix[0, 0])) % 360 for a in full])
    assert len({round((t - 20.0) / 90.0) % 4 for t in turns}) == 4
    with pytest.raises(regerr.UndeterminedError, match="Refused"):
        _ = found.pairs
    assert regerr.fit(found.alternatives[0].pairs).pairs.n == found.alternatives[0].pairs.n  # whoever knows which may take it


def test_a_shifted_grid_is_ambiguous_too():
    found = match(grid(4, 7), grid(4, 7) + np.random.default_rng(2).standard_normal((28, 2)))
    assert found.verdict is Verdict.AMBIGUOUS
    shifts = {round(float(a.transform.offset[0]) / 100) for a in found.alternatives if a.transform.matrix[0, 0] > 0.9}
    assert shifts & {-1, 1}


def test_beads_beside_a_grid_break_its_symmetry():
    rng = np.random.default_rng(3)
    points = np.concatenate([grid(3, 3, 80.0), rng.uniform(-400, 600, size=(25, 2))])
    found = match(points, turned(points, -50.0) + rng.standard_normal(points.shape))
    assert found.accepted and links(found) >= {(i, i) for i in range(9, 34)} - {(i, i) for i in range(34)
                                                                               if i not in found.best.source_index}


# Refusals


def test_unrelated_sets_are_refused_in_one_sentence():
    rng = np.random.default_rng(4)
    found = match(rng.uniform(size=(15, 2)), rng.uniform(size=(18, 2)))
    assert found.verdict is Verdict.CHANCE and not found.accepted
    assert found.sentence.startswith("Refused: no rigid alignment of the 15 and 18 points") and found.sentence.count(".") <= 2
    with pytest.raises(regerr.UndeterminedError, match="better than chance"):
        _ = found.transform


def test_few_common_points_are_refused():
    rng = np.random.default_rng(5)
    a, b = rng.uniform(size=(12, 2)) * 1000, rng.uniform(size=(12, 2)) * 1000
    b[:4] = turned(a[:4], 30.0) + 200
    assert not match(a, b).accepted


@pytest.mark.parametrize(("a", "b", "options", "words"), [
    (np.zeros((4, 2)), np.ones((9, 2)), {}, ("source holds 4 points", "at least 5")),
    (np.zeros((9, 2)), np.eye(9)[:, :2], {}, ("source lie", "at one place")),
    (np.outer(np.arange(9), [1, 2]), np.eye(9)[:, :2], {}, ("one line",)),
    (np.full((9, 2), np.nan), np.ones((9, 2)), {}, ("NaN", "'1'")),
    ([[1, 2], [3]], np.ones((9, 2)), {}, ("no array of numbers",)),
    (np.ones((2, 9, 2)), np.ones((9, 2)), {}, ("shape (2, 9, 2)",)),
    (np.eye(9)[:, :2], np.eye(9)[:, :3], {}, ("2D", "3D")),
    (np.eye(9)[:, :2], np.eye(9)[:, :2], {"model": "projective"}, ("projective",)),
    (np.eye(9)[:, :2], np.eye(9)[:, :2], {"scale": (0.5, 2)}, ("known scale",)),
    (np.eye(9)[:, :2], np.eye(9)[:, :2], {"model": "affine", "scale": (2, 1)}, ("(2, 1)",)),
    (np.eye(9)[:, :2], np.eye(9)[:, :2], {"gate": 1.5}, ("gate is 1.5",)),
    (np.eye(9)[:, :2], np.eye(9)[:, :2], {"threshold": "no"}, ("threshold is 'no'",)),
])
def test_bad_input_is_refused(a, b, options, words):
    with pytest.raises(regerr.InputError) as fault:
        match(a, b, **options)
    assert all(word in str(fault.value) for word in words), fault.value


def test_many_points_at_one_place_are_no_matching():
    rng = np.random.default_rng(6)
    a, b = rng.uniform(size=(12, 2)), rng.uniform(size=(12, 2))
    a[:6], b[:6] = a[0], b[0]
    assert not match(a, b).accepted and not match(a, b, "similarity").accepted


# Chance


def test_the_tail_bounds_that_of_the_binomial_law():
    from scipy.stats import binom

    n, p = np.arange(2, 40)[:, None, None], np.array([1e-4, 0.01, 0.1, 0.4])[:, None]
    k = np.arange(1, 40)
    with np.errstate(divide="ignore"):
        exact = np.where(k <= n, binom.logsf(k - 1, n, p) / np.log(10), -np.inf)
    bound = log_tail(n, k, p)
    assert (bound >= exact - 1e-9).all()
    small = (exact < -3) & np.isfinite(exact)
    assert (np.abs(bound[small] - exact[small]) < 0.1).all()


def test_the_number_of_tests():
    assert log_tests(5, 6, 2) == pytest.approx(np.log10(5 * 4 * 6 * 5 / 2 * 3))


def test_false_alarms_bound_what_unrelated_sets_yield():
    """The expected number of alignments that good: a tenth of sets may stay below 0.1; it falls with every true pair."""
    rng = np.random.default_rng(8)
    alarms = [match(rng.uniform(size=(9, 2)), rng.uniform(size=(9, 2))).best for _ in range(25)]
    assert np.mean([a is not None and a.log10_false_alarms < -1 for a in alarms]) <= 0.1
    a = rng.uniform(size=(14, 2)) * 1000
    series = [match(a, np.concatenate([turned(a[:k], 40.0), 2000 * rng.uniform(size=(14 - k, 2))])).best for k in (6, 9, 14)]
    assert all(one.log10_false_alarms > two.log10_false_alarms + 2 for one, two in pairwise(series))


def test_rounded_coordinates_are_noticed():
    rng = np.random.default_rng(9)
    real = rng.uniform(size=(20, 3)) * 500
    assert (Window.of(real).steps == 0).all() and not Window.of(real).lattice
    rounded = Window.of(np.column_stack([real[:, 0], np.round(real[:, 1:])]) - 1e5)
    assert rounded.steps[0] == 0 and np.allclose(rounded.steps[1:], 1.0) and not rounded.lattice
    assert rounded.share(0.0) >= 0 and rounded.share(3.0) > Window.of(real).share(3.0)
    assert Window.of(grid(5, 5)).lattice
    flat = Window.of(np.round(real[:, :2]))
    assert flat.share(0.0) == pytest.approx(1.0 / np.prod(flat.lengths))  # the share of one pixel


def test_pixels_that_meet_exactly_are_no_evidence():
    """Unrelated places in whole pixels of a coarse image meet exactly in many pairs once a few are laid on each other."""
    rng = np.random.default_rng(10)
    for _ in range(10):
        a, b = rng.integers(0, 60, size=(30, 2)).astype(float), rng.integers(0, 60, size=(30, 2)).astype(float)
        assert not match(a, b).accepted


def test_points_on_a_coarse_lattice_are_not_believed():
    rng = np.random.default_rng(11)
    found = [match(*np.unique(rng.integers(-2, 3, size=(12, 2)), axis=0)[None].astype(float).repeat(2, 0)) for _ in range(4)]
    assert all(not one.accepted for one in found)
    assert {one.verdict for one in found} <= {Verdict.LATTICE, Verdict.AMBIGUOUS, Verdict.FEW}
    assert all("lattice" in one.sentence for one in found if one.verdict is Verdict.LATTICE)


def test_a_mirrored_stack_is_not_laid_on_itself_along_a_plane():
    """Eight of thirty points near one plane do match by a proper rotation, and all of them by a mirror image."""
    rng = np.random.default_rng(12)
    a = rng.uniform(size=(30, 3)) * [1000, 1000, 300]
    a[:9, 2] = 150 + rng.standard_normal(9)
    b = a * [-1, 1, 1] + rng.standard_normal(a.shape)
    found = match(a, b)
    assert found.verdict is Verdict.MIRRORED and "mirror image" in found.sentence
    assert match(a, b, mirror=True).pairs.n == 30


def test_sixty_points_take_less_than_a_second():
    """Processor time, so that a busy machine does not matter."""
    for model in ("rigid", "similarity", "affine"):
        case = beads(2, 60, 0.6, model, seed=12)
        taken = []
        for _ in range(3):  # the best of three: a busy machine slows some
            start = time.process_time()
            match(case.source, case.target, model)
            taken.append(time.process_time() - start)
        assert min(taken) < 1.0

"""What a summary rests on: fiducials looked at one by one, hulls, unbounded regions, forecasts, grids and files."""

from __future__ import annotations

import errno
import math
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import regerr
from regerr import FiducialPairs, InputError, Noise, RegistrationWarning
from regerr.commands.grids import check_outputs, grid_of
from regerr.files import write_file, write_text
from regerr.io import Points
from regerr.reporting.beads import bead_table, holm
from regerr.reporting.extents import half_axes, outside, radius, reach
from regerr.reporting.findings import find
from regerr.reporting.forecasts import forecast, forecasts


def simulate(n: int = 10, d: int = 2, noise: float = 1.0, seed: int = 0, spread: float = 100.0) -> FiducialPairs:
    rng = np.random.default_rng([seed, d])
    x = spread * rng.standard_normal((n, d))
    return FiducialPairs(x + noise * rng.standard_normal(x.shape), x + noise * rng.standard_normal(x.shape) + 7.0)


def thin(n: int = 6, seed: int = 0) -> FiducialPairs:
    """Fiducials nearly on a line, with much noise: the affine regions beside the line have no end."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 2)) * (100.0, 2.0)
    turn = np.array([[0.8, -0.6], [0.6, 0.8]])
    return FiducialPairs(x @ turn.T + 3.0 * rng.standard_normal(x.shape), x @ turn.T + 3.0 * rng.standard_normal(x.shape))


# Fiducials


def test_holm_is_that_of_statsmodels():
    from statsmodels.stats.multitest import multipletests

    p = np.random.default_rng(1).random(20) ** 3
    assert np.allclose(holm(p), multipletests(p, method="holm")[1])
    p[3] = np.nan
    assert np.isnan(holm(p)[3]) and np.allclose(np.delete(holm(p), 3), multipletests(np.delete(p, 3), method="holm")[1])


def test_a_displaced_fiducial_is_named_and_the_others_are_not():
    pairs = simulate(12)
    target = pairs.target.copy()
    target[4] += (25.0, -10.0)
    beads = bead_table(regerr.fit(FiducialPairs(pairs.source, target)))
    assert list(beads.suspicious) == [4] and beads.worst_first[0] == 4
    assert beads.left_out[4] > beads.lengths[4] > 20
    assert len(bead_table(regerr.fit(pairs)).suspicious) == 0


def test_suspicion_keeps_its_level():
    """Of 600 clean datasets 5 % name a fiducial, within three Monte Carlo errors."""
    named = [len(bead_table(regerr.fit(simulate(8, seed=i))).suspicious) > 0 for i in range(600)]
    assert abs(np.mean(named) - 0.05) < 3 * math.sqrt(0.05 * 0.95 / 600)


def test_what_cannot_be_judged_is_nan():
    """With two pairs nothing can be left out; with three a rigid fit of two has one degree of freedom."""
    two = bead_table(regerr.fit(simulate(2)))
    assert np.isnan(two.left_out).all() and np.isnan(two.p_values).all() and np.isnan(two.adjusted).all()
    affine = bead_table(regerr.fit(simulate(4), "affine", "target"))
    assert np.isfinite(affine.left_out).all() and np.isnan(affine.p_values).all()
    assert list(affine.worst_first) == list(np.argsort(-affine.left_out))


# Where targets lie


@pytest.mark.parametrize("d", [2, 3])
def test_outside_is_what_a_triangulation_says(d):
    from scipy.spatial import Delaunay

    rng = np.random.default_rng(2)
    x, targets = 1e6 + rng.standard_normal((12, d)), 1e6 + 1.5 * rng.standard_normal((500, d))
    assert np.array_equal(outside(x, targets), Delaunay(x - 1e6).find_simplex(targets - 1e6) < 0)
    assert not outside(x, x).any()
    assert np.allclose(reach(x, x).max(), 1.0) and reach(x, x.mean(0)[None])[0] < 1e-6


def test_fiducials_on_a_line_have_no_inside():
    x = np.arange(4.0)[:, None] * (1.0, 2.0)
    assert outside(x, x[1:2] + 0.01).all()


# Regions


@pytest.mark.parametrize(("model", "noise", "method"), [("affine", "target", "score"), ("affine", "both", "wald"),
                                                         ("rigid", "both", "wald"), ("affine", "full", "score")])
def test_half_axes_of_ellipses(model, noise, method):
    """They reach the level: the end of the longest lies on the boundary, and nothing beyond it is inside."""
    result = regerr.fit(simulate(), model, noise)
    one = forecast(result, [[150.0, -80.0]], "tre", 0.9, method)
    axes = np.linalg.eigh(one.covariance[0])[1]
    end = one.mean + one.half_axes[0, 0] * axes[:, -1]
    assert one.region.excess(end)[0] == pytest.approx(1.0)
    assert one.radius[0] == one.half_axes[0, 0] >= one.half_axes[0, 1]
    assert one.volume[0] == pytest.approx(math.pi * one.half_axes[0].prod())


@pytest.mark.parametrize(("model", "d"), [("rigid", 2), ("similarity", 2), ("affine", 2), ("rigid", 3)])
def test_half_axes_of_implicit_regions(model, d):
    """No point beyond the radius is inside, some point near it is; for small noise all agree with the ellipse."""
    rng = np.random.default_rng(3)
    result = regerr.fit(simulate(8, d), model)
    target = np.full((1, d), 60.0)
    region = result.predict(target, "tre").region(0.95)
    (size,) = radius(region)
    directions = rng.standard_normal((20000, 1, d))
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    mean = region.prediction.mean
    assert not region.contains(mean + 1.03 * size * directions).any()
    assert region.contains(mean + 0.95 * size * directions).any()
    assert size == pytest.approx(half_axes(region)[0, 0], rel=0.1)
    small = regerr.fit(simulate(8, d, noise=1e-3), model)
    score, wald = (half_axes(small.predict(target, "tre").region(0.95, method)) for method in ("score", "wald"))
    assert np.allclose(score, wald, rtol=0.02)


def test_an_unbounded_region_says_where_and_which_fiducial_closes_it():
    """The direction lies inside for ever, its neighbour across does not; with the new fiducial the region is bounded."""
    result = regerr.fit(thin(), "affine")
    found = find(result, [[100.0, 300.0]])
    gap = found.opening
    assert gap is not None and gap.closing is not None and found.targets is not None
    assert not found.targets.bounded[0] and np.isinf(found.targets.radius[0])
    region = found.targets.region
    far = region.prediction.mean + 1e9 * gap.direction
    assert region.contains(far)[0]
    assert abs(gap.thin @ (-0.6, 0.8)) > 0.99 and gap.spread < 10
    x = np.vstack([result.pairs.source, gap.closing])
    y = np.vstack([result.pairs.target, result.transform.apply(gap.closing[None])])
    closed = regerr.fit(FiducialPairs(x, y), "affine")
    assert closed.predict([[100.0, 300.0]], "tre").region(0.95).bounded.all()


def test_thin_layouts_are_shown_with_the_regression_beside():
    found = find(regerr.fit(thin(), "affine"))
    assert found.regression is not None and np.isfinite(found.regression.radius).all()
    assert find(regerr.fit(thin(), "affine", "target")).regression is None
    assert find(regerr.fit(thin(), "rigid")).regression is None
    assert find(regerr.fit(simulate(), "affine")).regression is None


def test_the_edge_is_the_fiducial_with_the_largest_tre():
    result = regerr.fit(simulate(), "affine")
    found = find(result)
    rms = result.predict(result.pairs.source, "tre").rms
    assert found.edge.names == (result.pairs.names[int(np.argmax(rms))],) and found.edge.rms[0] == rms.max()


# Forecasts


def test_names_of_targets():
    result = regerr.fit(simulate())
    assert forecast(result, np.zeros((2, 2)), "tre", method="wald").names == ("1", "2")
    assert forecast(result, Points(np.zeros((1, 2)), ("cell",)), "tre", method="wald").names == ("cell",)
    with pytest.raises(InputError, match="2 names for 1 targets"):
        forecast(result, np.zeros((1, 2)), "tre", names=["a", "b"])


def test_kinds_that_a_noise_cannot_answer_are_left_out_aloud():
    result = regerr.fit(simulate(), "affine", "full")
    with pytest.warns(RegistrationWarning, match="lre is left out"):
        assert [one.kind for one in forecasts(result, np.zeros((1, 2)))] == ["tre", "observation"]
    with pytest.raises(InputError, match="share"):
        forecasts(result, np.zeros((1, 2)), "lre")


def test_targets_in_another_unit():
    result = regerr.fit(simulate())
    with pytest.warns(RegistrationWarning, match="targets are in nm and the source of the pairs is in px"):
        forecast(result, Points(np.zeros((1, 2)), ("a",), unit="nm"), "tre")


def test_a_batch_is_refused():
    x = np.random.default_rng(4).random((3, 5, 2))
    batch = regerr.fit(FiducialPairs(x, x + 0.01 * np.random.default_rng(5).random(x.shape)))
    with pytest.raises(InputError, match=r"result\[i\]"):
        find(batch)
    with pytest.raises(InputError, match=r"result\[i\]"):
        forecast(batch, np.zeros((1, 2)), "tre")


# Grids


def test_a_grid_around_the_fiducials_covers_them():
    pairs = simulate()
    grid = grid_of(regerr.fit(pairs))
    low = np.array(grid.origin)
    high = low + np.array(grid.spacing) * (np.array(grid.shape[::-1]) - 1)
    assert (low < pairs.source.min(0)).all() and (high > pairs.source.max(0)).all()
    assert 200 < max(grid.shape) < 1200
    there = grid_of(regerr.fit(pairs), space="target")
    assert not np.allclose(there.origin, grid.origin)


def test_a_grid_from_texts():
    grid = grid_of(regerr.fit(simulate(d=3)), "40x30x20", "0.5,0.5,2", "1,2,3")
    assert grid.shape == (20, 30, 40) and grid.spacing == (0.5, 0.5, 2.0) and grid.origin == (1.0, 2.0, 3.0)
    plain = grid_of(regerr.fit(simulate()), "40x30")
    assert plain.spacing == (1.0, 1.0) and plain.origin == (0.0, 0.0)
    from_corners = regerr.fit(replace(simulate(), source_origin="corner"))
    assert grid_of(from_corners, "40x30", "2,4").origin == (1.0, 2.0)
    assert grid_of(from_corners, "40x30", space="target").origin == (0.0, 0.0)


@pytest.mark.parametrize(("arguments", "words"), [
    (("40",), "--size is '40'"), (("0x3",), "512x512"), (("axb",), "--size"), (("4x4", "a"), "--spacing is 'a'"),
    (("4x4", "1,2,3"), "--spacing"), (("4x4", "1", "inf"), "--origin is 'inf'"),
])
def test_texts_that_are_no_grid(arguments, words):
    with pytest.raises(InputError, match=words):
        grid_of(regerr.fit(simulate()), *arguments)


def test_outputs_are_checked_before_anything_is_computed(tmp_path):
    with pytest.raises(InputError, match=r"ends in '\.jpeg'"):
        check_outputs([tmp_path / "map.jpeg"], force=False)
    with pytest.raises(InputError, match="no suffix"):
        check_outputs([tmp_path / "map"], force=False)
    (tmp_path / "map.png").write_text("old")
    with pytest.raises(InputError, match="--force"):
        check_outputs([tmp_path / "map.png"], force=False)
    check_outputs([tmp_path / "map.png"], force=True)


# Files


def test_a_file_is_complete_or_not_there(tmp_path):
    def fails(place: Path) -> None:
        place.write_text("half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(InputError, match="No space left"):
        write_file(tmp_path / "a.txt", fails)
    assert list(tmp_path.iterdir()) == []
    write_text(tmp_path / "a.txt", "first")
    with pytest.raises(InputError, match="No space left"):
        write_file(tmp_path / "a.txt", fails, force=True)
    assert (tmp_path / "a.txt").read_text() == "first" and len(list(tmp_path.iterdir())) == 1


def test_nothing_is_overwritten_unasked(tmp_path):
    place = tmp_path / "a.txt"
    write_text(place, "first")
    with pytest.raises(InputError, match="already exists"):
        write_text(place, "second")
    assert place.read_text() == "first"
    write_text(place, "second", force=True)
    assert place.read_text() == "second"


def test_a_folder_or_a_missing_folder(tmp_path):
    with pytest.raises(InputError, match="is a folder"):
        write_text(tmp_path, "x", force=True)
    with pytest.raises(InputError, match="cannot write"):
        write_text(tmp_path / "no" / "a.txt", "x")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_full_device_stays_a_device():
    with pytest.raises(InputError, match="No space left"):
        write_text(Path("/dev/full"), "x", force=True)
    assert Path("/dev/full").is_char_device()


def test_noise_of_known_size_is_never_an_exact_fit():
    pairs = simulate(noise=0.0)
    with pytest.warns(RegistrationWarning, match="too small to be true"):
        assert not find(regerr.fit(pairs, noise=Noise(1.0, scale=1.0))).exact
    with pytest.warns(RegistrationWarning, match="exactly"):
        assert find(regerr.fit(pairs)).exact

"""Pictures: what is on them, where, and in which unit."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.contour import QuadContourSet
from matplotlib.path import Path as Curve
from matplotlib.quiver import Quiver
from pictures import TARGETS, a_result, check_in_view, check_sheet, hatched, legend, lines, shown, texts

import regerr
from regerr import FiducialPairs, InputError, MissingExtraError, UndeterminedError
from regerr.canvas import BLUE, ORANGE
from regerr.hull import outline
from regerr.plotting import plot_map, plot_regions, plot_residuals

SIZE = (85.0 / 25.4, 85.0 / 25.4)


@pytest.fixture(autouse=True)
def _quietly() -> Iterator[None]:
    mpl.use("Agg")
    yield
    pyplot.close("all")


# Maps


def test_map_with_all_that_belongs_to_it():
    result = a_result()
    made = result.error_map((60, 50), spacing=(2.0, 3.0), origin=(1.0, -4.0))
    ax = plot_map(made, result)
    check_sheet(ax, "px")
    (picture,) = ax.images
    assert picture.get_extent() == pytest.approx([0.0, 100.0, 174.5, -5.5])
    assert np.array_equal(shown(ax), made.values)
    (bar,) = ax.child_axes
    assert bar.get_ylabel() == "TRE, r.m.s. (nm)"
    assert np.array_equal(lines(ax, "fiducials"), result.pairs.source)
    assert np.array_equal(lines(ax, "hull"), outline(result.pairs.source))
    assert legend(ax) == ["fiducials", "hull", "extrapolated"]
    assert ax.get_title() == "affine, 7 fiducials"
    assert set(result.pairs.names) <= texts(ax)
    assert SIZE[0] == pytest.approx(ax.get_figure(root=True).get_size_inches()[0])  # type: ignore[union-attr]


def test_iso_lines_lie_where_the_map_has_their_value():
    result = a_result()
    made = result.error_map((120, 100))
    ax = plot_map(made, result)
    (iso,) = [c for c in ax.collections if isinstance(c, QuadContourSet) and not c.filled]
    assert list(iso.levels) == pytest.approx(made.contour_levels()) and len(made.contour_levels()) > 2
    assert {f"{level:g}" for level in iso.levels} & {text.get_text() for text in iso.labelTexts}
    for level, path in zip(iso.levels, iso.get_paths(), strict=True):
        assert made.at(np.asarray(path.vertices).reshape(-1, 2)) == pytest.approx(level, rel=1e-3)


def test_hatching_covers_what_is_extrapolated():
    result = a_result()
    made = result.error_map((100, 90))
    (hatch,) = hatched(plot_map(made, result))
    assert hatch.hatches == ["//"]
    polygons = [Curve(polygon) for path in hatch.get_paths() for polygon in path.to_polygons()]
    around = [sum(polygon.contains_point(point) for polygon in polygons) for point in (made.fiducials.mean(0), (1.0, 1.0))]
    assert [count % 2 for count in around] == [0, 1]


def test_map_within_the_hull_has_no_hatching():
    result = a_result()
    centre = result.pairs.source.mean(0)
    ax = plot_map(result.error_map((5, 5), 0.1, origin=centre), result)
    check_sheet(ax, "px")
    assert not hatched(ax) and legend(ax) == ["fiducials", "hull"]


def test_map_in_the_target_image():
    result = a_result()
    ax = plot_map(result.error_map((40, 40), 5.0, image="target", kind="observation", quantity="radius"), result)
    check_sheet(ax, "nm")
    assert np.array_equal(lines(ax, "fiducials"), result.pairs.target)
    assert ax.child_axes[0].get_ylabel() == "observation, 95 % radius (nm)"


def test_map_over_an_image_lets_it_through():
    result = a_result()
    image = np.random.default_rng(0).integers(0, 4000, (30, 25)).astype(np.uint16)
    ax = plot_map(result.error_map((60, 50), 2.0), result, image=image)
    check_sheet(ax, "px")
    below, above = ax.images
    assert below.get_extent() == above.get_extent() and below.get_cmap().name == "gray"
    assert above.get_alpha() == 0.55
    assert (shown(ax).min(), shown(ax).max()) == (0.0, 1.0)


def test_large_maps_are_thinned_in_place():
    result = a_result()
    made = result.error_map((3000, 2500), 0.04)
    ax = plot_map(made, result)
    assert ax.images[0].get_extent() == pytest.approx([-0.02, 99.98, 119.98, -0.02])
    assert shown(ax).shape == (1000, 833) and np.array_equal(shown(ax)[:, -1], made.values[1::3, 2497])


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (30, 1), (2, 2)])
def test_maps_too_small_for_contours(shape: tuple[int, int]):
    result = a_result()
    check_sheet(plot_map(result.error_map(shape, 3.0), result), "px")


def test_unbounded_map_is_grey_and_says_so():
    rng = np.random.default_rng(4)
    source = rng.normal(size=(4, 2)) * [20, 2] + 50
    target = source + rng.normal(size=(4, 2)) * 3
    result = regerr.fit(FiducialPairs(source + rng.normal(size=(4, 2)) * 3, target), "affine")
    ax = plot_map(result.error_map((30, 40)), result)
    check_sheet(ax, "px")
    assert "unbounded" in legend(ax) and not ax.child_axes


def test_two_fiducials_have_a_line_for_a_hull():
    source = np.array([[10.0, 10.0], [60.0, 35.0]])
    result = regerr.fit(FiducialPairs(source, source + np.array([[0.5, 0.0], [0.0, 0.3]])))
    ax = plot_map(result.error_map((50, 70)), result)
    check_sheet(ax, "px")
    assert np.array_equal(lines(ax, "hull"), source[[0, 1, 0]])


def test_volume_as_its_largest_value_or_one_plane():
    result = a_result(3, n=9)
    made = result.error_map((6, 40, 50), (2.0, 2.0, 10.0), (0.0, 0.0, 20.0))
    ax = plot_map(made, result)
    check_sheet(ax, "px")
    assert np.array_equal(shown(ax), made.values.max(0)) and ax.get_title().endswith("largest along z")
    assert np.array_equal(lines(ax, "hull"), outline(result.pairs.source[:, :2]))
    ax = plot_map(made, result, plane=2)
    assert np.array_equal(shown(ax), made.values[2]) and ax.get_title().endswith("z = 40 px")
    assert len(lines(ax, "hull")) > 1 and np.ptp(lines(ax, "hull")[:, 0]) < np.ptp(result.pairs.source[:, 0])
    beyond = plot_map(result.error_map((3, 40, 50), (2.0, 2.0, 1.0), (0.0, 0.0, 900.0)), result, plane=1)
    check_sheet(beyond, "px")
    assert legend(beyond) == ["fiducials", "extrapolated"]


def test_drawing_on_given_axes():
    _, (left, right) = pyplot.subplots(1, 2)
    result = a_result()
    assert plot_map(result.error_map((20, 30)), result, ax=left) is left
    assert plot_residuals(result, ax=right) is right
    assert len(pyplot.get_fignums()) == 1


@pytest.mark.parametrize(("dimension", "plane", "words"), [(2, 0, "this map is 2D"), (3, 6, "plane is 6 and the map has 6"),
                                                           (3, -1, "give 0 to 5")])
def test_planes_that_are_not_there(dimension: int, plane: int, words: str):
    result = a_result(dimension, n=9)
    with pytest.raises(InputError, match=words):
        plot_map(result.error_map((6, 7, 8)[-dimension:]), result, plane=plane)


# Residuals


def test_residuals_as_arrows_with_their_scale():
    result = a_result()
    ax = plot_residuals(result)
    check_sheet(ax, "nm")
    (arrows,) = [c for c in ax.collections if isinstance(c, Quiver)]
    feet = result.transform.apply(result.pairs.source)
    times = float(legend(ax)[1].split()[2])
    assert legend(ax) == ["predicted fiducial", f"residual, magnified {times:g} times"] and times >= 1
    assert np.column_stack([arrows.U, arrows.V]) == pytest.approx(times * result.residuals)
    assert lines(ax, "predicted fiducial") == pytest.approx(feet)
    assert np.asarray(arrows.get_offsets()) == pytest.approx(feet)
    longest = np.hypot(arrows.U, arrows.V).max() / np.ptp(feet, 0).max()
    assert 0.08 < longest < 0.35
    assert ax.get_title() == f"affine, FRE {float(result.fre_rms):.3g} nm r.m.s."
    assert set(result.pairs.names) == texts(ax)
    check_in_view(ax, feet + times * result.residuals)


def test_magnification_can_be_given_and_volumes_are_flattened():
    ax = plot_residuals(a_result(3, n=9), magnification=12.5)
    check_sheet(ax, "nm")
    assert legend(ax)[1] == "residual, magnified 12.5 times"


def test_many_fiducials_have_no_names():
    assert not texts(plot_residuals(a_result(n=16)))
    result = a_result(n=16)
    ax = plot_map(result.error_map((20, 30)), result)
    assert not [text for text in ax.texts if text.get_color() == "black"]


def test_exact_fit_has_no_arrows():
    source = np.array([[0.0, 0], [4, 0], [0, 8], [8, 8], [2, 4]])
    with pytest.warns(regerr.RegistrationWarning):
        result = regerr.fit(FiducialPairs(source, source), "affine", "target")
    ax = plot_residuals(result)
    check_sheet(ax, "px")
    assert legend(ax)[1] == "residual, magnified 1 times"


# Refusals


@pytest.mark.parametrize("draw", [lambda r: plot_residuals(r), lambda r: plot_regions(r, TARGETS, "tre")])
def test_one_registration_at_a_time(draw: Any):
    line = np.outer(np.arange(6.0), [1.0, 2.0])[None] * [[[1.0]], [[2.0]]]
    both = regerr.fit(FiducialPairs(line, line), "affine", on_failure="mark")
    with pytest.raises(InputError, match=r"a batch of shape \(2,\), and a picture shows one"):
        draw(both)
    with pytest.raises(UndeterminedError, match="no registration to draw: the fiducials lie on one line"):
        draw(both[0])


@pytest.mark.parametrize("draw", [plot_residuals, lambda r: plot_map(r.error_map((4, 5)), r)])
def test_without_matplotlib(draw: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(MissingExtraError, match=r"matplotlib.*regerr\[plot\]"):
        draw(a_result())


def test_colours_stay_apart_without_red_and_green():
    """Blue and orange differ in the channel that all colour-blind eyes keep, blue against yellow, and in no red against green."""
    blue, orange = (np.array(mpl.colors.to_rgb(colour)) for colour in (BLUE, ORANGE))
    assert blue[2] - blue[:2].mean() > 0.4 and orange[:2].mean() - orange[2] > 0.4

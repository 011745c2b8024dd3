"""Pictures of regions: over the user's image, with holes, without an end, and seen along z."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.contour import QuadContourSet
from pictures import TARGETS, a_result, check_in_view, check_sheet, coloured, legend, lines, regions, texts, vertices

import regerr
from regerr import FiducialPairs, InputError, RegistrationResult
from regerr.canvas import ORANGE
from regerr.plotting import plot_regions
from regerr.regions import Region


@pytest.fixture(autouse=True)
def _quietly() -> Iterator[None]:
    mpl.use("Agg")
    yield
    pyplot.close("all")


def ring(centre: Any, radius: float, clockwise: bool = False) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, 33)[:: -1 if clockwise else 1]
    curve = np.array(centre) + radius * np.stack([np.cos(angle), np.sin(angle)], -1)
    curve[-1] = curve[0]
    return curve


def drawn_as(monkeypatch: pytest.MonkeyPatch, *boundaries: Any) -> list[Any]:
    """Give each target, in turn, this boundary; returns what was asked."""
    asked: list[Any] = []

    def boundary(region: Region, resolution: int = 64) -> list[Any]:
        asked.append((region.level, region.method.name, region.prediction.kind, resolution))
        return [boundaries[len(asked) - 1]]

    monkeypatch.setattr(Region, "boundary", boundary)
    monkeypatch.setattr(Region, "bounded", property(lambda region: np.ones(region.prediction.targets.shape[-2], bool)))
    return asked


def test_regions_over_an_image(monkeypatch: pytest.MonkeyPatch):
    asked = drawn_as(monkeypatch, [ring((40, 60), 30.0), ring((40, 60), 15.0, clockwise=True)], [ring((90, 90), 9.0)])
    result = a_result()
    image = np.random.default_rng(0).random((100, 110))
    names = ["cell a", "cell b"]
    ax = plot_regions(result, TARGETS, "observation", 0.9, image=image, names=names, spacing=2.0, origin=(1.0, 5.0))
    check_sheet(ax, "nm")
    assert asked == 2 * [(0.9, "score", "observation", 128)]
    assert ax.images[0].get_extent() == pytest.approx([0.0, 220.0, 204.0, 4.0])
    assert (*ax.get_xlim(), *ax.get_ylim()) == pytest.approx((0.0, 220.0, 204.0, 4.0))
    assert [len(vertices(patch)) for patch in regions(ax)] == [66, 33]
    assert {mpl.colors.to_hex(patch.get_edgecolor()) for patch in regions(ax)} == {ORANGE.lower()}
    assert np.array_equal(lines(ax, "predicted"), result.predict(TARGETS, "observation").mean)
    assert np.array_equal(lines(ax, "fiducials"), result.pairs.target)
    assert texts(ax) == {"cell a", "cell b"}
    assert legend(ax) == ["fiducials", "predicted", "90 % region"]
    assert ax.get_title() == "affine, observation, score"


def test_a_hole_stays_empty(monkeypatch: pytest.MonkeyPatch):
    drawn_as(monkeypatch, [ring((-50, 60), 30.0), ring((-50, 60), 15.0, clockwise=True)])
    ax = plot_regions(a_result(), TARGETS[:1], "tre")
    assert coloured(ax, [[-50.0, 60.0], [-28.0, 60.0], [-10.0, 60.0]]).tolist() == [False, True, False]


def test_without_an_image_all_is_in_view_but_what_is_far(monkeypatch: pytest.MonkeyPatch):
    drawn_as(monkeypatch, [ring((40, 60), 30.0)], [ring((9e6, 60), 8e6)])
    result = a_result()
    ax = plot_regions(result, TARGETS, "tre")
    check_sheet(ax, "nm")
    check_in_view(ax, np.concatenate([result.pairs.target, result.predict(TARGETS, "tre").mean, ring((40, 60), 30.0)]))
    assert ax.get_xlim()[1] < 1000
    assert texts(ax) == {*result.pairs.names, "1", "2"}


@pytest.mark.parametrize(("radius", "given", "times"), [(30.0, None, 1.0), (0.3, None, 20.0), (0.3, 3.0, 3.0), (0.0, None, 1.0)])
def test_magnified_regions_say_so(monkeypatch: pytest.MonkeyPatch, radius: float, given: float | None, times: float):
    result = a_result()
    (centre,) = result.predict(TARGETS[:1], "tre").mean
    drawn_as(monkeypatch, [ring(centre, radius)])
    ax = plot_regions(result, TARGETS[:1], "tre", magnification=given)
    (patch,) = regions(ax)
    assert vertices(patch) == pytest.approx(ring(centre, times * radius))
    assert legend(ax)[-1] == "95 % region" + ("" if times == 1 else f", magnified {times:g} times")


def test_over_an_image_regions_keep_to_its_scale(monkeypatch: pytest.MonkeyPatch):
    drawn_as(monkeypatch, [ring((40, 60), 0.3)])
    ax = plot_regions(a_result(), TARGETS[:1], "tre", image=np.ones((200, 200)))
    assert vertices(regions(ax)[0]) == pytest.approx(ring((40, 60), 0.3))


def thin(n: int, seed: int, noise: float) -> RegistrationResult:
    """Few fiducials whose noise is as large as their layout is wide."""
    rng = np.random.default_rng(seed)
    source = rng.normal(size=(n, 2)) * [30, 6] + 100
    target = source + rng.normal(size=source.shape) * noise
    return regerr.fit(FiducialPairs(source + rng.normal(size=source.shape) * noise, target), "affine")


def test_unbounded_regions_are_shown_where_they_are():
    """A region without an end is filled on its own side of a dashed edge, pixel by pixel as it says itself."""
    result = thin(5, 0, 2.0)
    target = [[100.0, 104.0]]
    region = result.predict(target, "observation").region()
    assert not region.bounded.any()
    ax = plot_regions(result, target, "observation")
    check_sheet(ax, "px")
    assert not regions(ax) and legend(ax)[-1] == "95 % region, unbounded"
    assert [c.filled for c in ax.collections if isinstance(c, QuadContourSet)] == [True, False]
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    points = np.random.default_rng(1).uniform(0.02, 0.98, (60, 2)) * [right - left, bottom - top] + [left, top]
    excess = region.excess(points[:, None])[:, 0]
    clear = np.abs(excess - 1) > 0.2
    assert 5 < np.sum(excess[clear] < 1) < clear.sum() - 5
    assert np.mean(coloured(ax, points[clear]) == (excess[clear] < 1)) > 0.9


def test_a_region_that_excludes_nothing_fills_the_picture():
    rng = np.random.default_rng(4)
    source = rng.normal(size=(4, 2)) * [20, 2] + 50
    target = source + rng.normal(size=(4, 2)) * 3
    result = regerr.fit(FiducialPairs(source + rng.normal(size=(4, 2)) * 3, target), "affine")
    ax = plot_regions(result, [[50.0, 52.0]], "tre", method="wald")
    check_sheet(ax, "px")
    assert [c.filled for c in ax.collections if isinstance(c, QuadContourSet)] == [True]
    assert coloured(ax, [[ax.get_xlim()[0] + 1.0, ax.get_ylim()[0] - 1.0]]).all()


def test_regions_in_a_volume_are_seen_along_z(monkeypatch: pytest.MonkeyPatch):
    cube = SimpleNamespace(vertices=np.array(list(np.ndindex(2, 2, 2)), float))
    drawn_as(monkeypatch, cube)
    ax = plot_regions(a_result(3, n=9), [[40.0, 50.0, 30.0]], "tre")
    check_sheet(ax, "nm")
    (shadow,) = regions(ax)
    assert np.array_equal(vertices(shadow), [[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]])


@pytest.mark.parametrize("method", ["score", "likelihood-ratio", "wald"])
@pytest.mark.parametrize(("model", "dimension"), [("rigid", 2), ("affine", 2), ("rigid", 3)])
def test_regions_as_they_are(model: str, dimension: int, method: str):
    """Drawn for real: in the plane its own points lie on the edge of the region; in a volume its shadow holds the prediction."""
    result = a_result(dimension, 9, model, noise=0.5) if model == "affine" else a_rigid(dimension)
    targets = result.pairs.source[:2] + 7.0
    ax = plot_regions(result, targets, "observation", method=method, magnification=1.0, resolution=24)
    check_sheet(ax, "px" if model == "rigid" else "nm")
    prediction = result.predict(targets, "observation")
    for k, patch in enumerate(regions(ax)):
        assert patch.get_path().contains_points(prediction.mean[k:k + 1, :2])[0]
        if dimension == 2:
            edge = np.repeat(vertices(patch)[:-1, None], 2, 1)
            assert prediction.region(0.95, method).excess(edge)[:, k] == pytest.approx(1.0, abs=1e-6)
    assert len(regions(ax)) == 2


def a_rigid(dimension: int) -> RegistrationResult:
    rng = np.random.default_rng(5)
    source = rng.uniform(20, 80, (6, dimension))
    return regerr.fit(FiducialPairs(source, source + rng.normal(size=source.shape)))


def test_names_for_every_target():
    with pytest.raises(InputError, match="1 names for 2 targets"):
        plot_regions(a_result(), TARGETS, "tre", names=["one"])

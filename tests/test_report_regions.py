"""Outlines of regions: few rays tell the boundary, how far it reaches and what it holds; odd regions are followed ray by ray."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from matplotlib.patches import PathPatch
from test_report import made

import regerr
from regerr import FiducialPairs, Noise, RegistrationResult, RegistrationWarning
from regerr.regions import Region
from regerr.report.contents import gather
from regerr.report.figures import figures
from regerr.report.outlines import outlines
from regerr.reporting.boundaries import boundaries
from regerr.reporting.extents import Extents
from regerr.reporting.forecasts import forecast, together

CASES = [("both", "rigid", 2), ("both", "similarity", 3), ("tails", "rigid", 2), ("tails", "rigid", 3), ("tails", "affine", 2),
         ("given", "rigid", 2), ("given", "rigid", 3), ("given", "affine", 3)]


def registration(noise: str, model: str, d: int, n: int = 12, seed: int = 1) -> RegistrationResult:
    if noise != "given":
        return made(n, d, seed=seed, model=model, noise=Noise(tails=4) if noise == "tails" else noise)
    roots = np.random.default_rng([seed, d]).normal(size=(2, n, d, d))
    source, target = roots @ np.swapaxes(roots, -1, -2) / d + 0.3 * np.eye(d)
    return made(n, d, seed=seed, model=model, noise="both", source_covariance=source, target_covariance=target)


def region_of(result: RegistrationResult, count: int = 3) -> Region:
    return result.predict(result.pairs.source[:count], "tre").region(0.95, "score")


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]}-{case[1]}-{case[2]}D", name="region")
def a_region(request: pytest.FixtureRequest) -> Region:
    return region_of(registration(*request.param))


def off_boundary(region: Region, times: float = 1.0) -> float:
    """Largest distance of the root excess from 1 at points of the boundaries, drawn so many times as large as they are."""
    worst = []
    mean = region.prediction.mean
    for found in boundaries(region, region.bounded):
        assert found.smooth or not len(found.targets)
        for i, target in enumerate(found.targets):
            points = mean[target] + times * found.offsets[found.row == i][::11]
            excess = region.excess(np.repeat(points[:, None], len(mean), 1))[:, target]
            worst.append(np.abs(np.sqrt(excess) - 1.0).max())
    assert len(worst) == len(mean)
    return float(max(worst))


def test_few_rays_give_the_boundary_to_a_hundredth(region: Region) -> None:
    assert off_boundary(region) < 0.012


def test_a_boundary_drawn_too_large_would_be_seen(region: Region) -> None:
    assert off_boundary(region, 1.04) > 0.015


def test_how_far_it_reaches_is_what_many_rays_find(region: Region) -> None:
    """By bisection along 300 rays of our own, without charts, and points beyond the radius lie outside."""
    rng = np.random.default_rng(5)
    d, mean = region.prediction.dimension, region.prediction.mean
    found = Extents.of(region, region.bounded)
    ways = rng.normal(size=(300, 1, d))
    ways /= np.linalg.norm(ways, axis=-1, keepdims=True)
    low, high = np.zeros((300, len(mean))), 2.0 * np.broadcast_to(found.radius, (300, len(mean)))
    for _ in range(14):
        middle = 0.5 * (low + high)
        inside = region.contains(mean + middle[..., None] * ways)
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    farthest = low.max(0)
    assert (farthest < 1.01 * found.radius).all()
    assert (farthest > (0.9 if d == 3 else 0.99) * found.radius).all()  # 300 rays of a sphere are far apart
    assert (found.half_axes[:, 0] < 1.001 * found.radius).all() and (found.half_axes[:, 0] > 0.9 * found.radius).all()


def test_the_content_is_that_of_the_region(region: Region) -> None:
    """Against points at random in a box, to their Monte Carlo error."""
    found, k, d = Extents.of(region, region.bounded), 6000, region.prediction.dimension
    sides = 2.1 * found.radius
    points = region.prediction.mean + np.random.default_rng(6).uniform(-0.5, 0.5, (k, 1, d)) * sides[:, None]
    share = region.contains(points).mean(0)
    error = np.sqrt(share * (1.0 - share) / k)
    assert (np.abs(found.volume / sides**d - share) < 4.0 * error + 0.005 * share).all()
    assert (np.abs(1.2 * found.volume / sides**d - share) > 4.0 * error).all()


def test_odd_regions_are_followed_ray_by_ray() -> None:
    """Of three fiducials and much noise: no smooth function of the direction, and the whole boundary all the same."""
    shown = forecast(made(3, seed=3, sd=8.0, model="similarity"), [[60.0, 0.0], [50.0, 50.0]], "tre")
    assert shown.bounded.all()
    assert not any(found.smooth and len(found.targets) for found in boundaries(shown.region, shown.bounded))
    for one in outlines(shown):
        points = np.concatenate(one.curves) + one.region.prediction.mean[0]
        np.testing.assert_allclose(np.sqrt(one.region.excess(points[:, None])), 1.0, atol=1e-3)


def test_what_is_known_of_two_forecasts_is_known_of_both() -> None:
    result = registration("both", "rigid", 2)
    parts = [forecast(result, result.pairs.source[i:i + 1], "tre", names=[str(i)]) for i in (0, 4)]
    both, alone = together(*parts), forecast(result, result.pairs.source[[0, 4]], "tre")
    assert both.names == ("0", "4")
    for name in ("radius", "half_axes", "volume", "mean", "rms", "bounded"):
        np.testing.assert_allclose(getattr(both, name), getattr(alone, name), rtol=1e-9)


# As they are drawn


def drawn(figure: Any) -> list[list[np.ndarray]]:
    """Vertices of the regions of each panel."""
    return [[np.asarray(patch.get_path().vertices) for patch in ax.patches if isinstance(patch, PathPatch)]
            for ax in figure.axes if ax.get_xlabel()]


@pytest.mark.parametrize("noise", ["both", "tails", "given"])
@pytest.mark.parametrize("d", [2, 3])
def test_score_regions_are_drawn_whatever_the_noise(noise: str, d: int) -> None:
    """Each panel has one for every place, as wide as the region is along its axes, so many times as the caption says."""
    contents = gather(registration(noise, "rigid", d, seed=3))
    found = figures(contents)[2]
    times = float(found.words.partition("drawn ")[2].partition(" times")[0] or 1.0)
    shown = contents.drawn
    reach = [np.ptp(np.concatenate(one.curves), axis=0) for one in outlines(shown)]
    panels = drawn(found.figure)
    assert len(panels) == (1 if d == 2 else 3) and all(len(panel) == len(shown.names) for panel in panels)
    for order, panel in zip([(0, 1), (2, 1), (0, 2)], panels, strict=False):
        for vertices, size in zip(panel, reach, strict=True):
            np.testing.assert_allclose(np.ptp(vertices, axis=0), times * size[list(order)], rtol=1e-6)


def test_an_unbounded_region_is_drawn_dashed() -> None:
    x = np.random.default_rng(1).uniform(0, 100, (7, 2)) * [1.0, 0.005]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RegistrationWarning)
        contents = gather(regerr.fit(FiducialPairs(x, x + np.random.default_rng(2).normal(0, 1, x.shape)), "affine"))
        assert not contents.drawn.bounded.all()
        (ax,) = [ax for ax in figures(contents)[2].figure.axes if ax.get_xlabel()]
    legend = ax.get_legend()
    assert legend is not None and any("unbounded" in text.get_text() for text in legend.get_texts())


def test_names_are_not_written_over_each_other() -> None:
    """Of points that lie behind each other in a view one is named, and all are in the view from above."""
    rng = np.random.default_rng(2)
    x = np.column_stack([np.arange(9) * 12.0, np.full(9, 50.0), rng.uniform(0, 5, 9)])
    x[::2, 1] += 40.0
    overlay = figures(gather(regerr.fit(FiducialPairs(x, x + rng.normal(0, 0.3, x.shape)))))[0].figure
    named = [len(ax.texts) for ax in overlay.axes if ax.get_xlabel()]
    assert named[0] == 9 and 0 < named[1] < 9

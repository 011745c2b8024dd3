"""Error maps: the prediction's own numbers at every pixel, whichever way they were reached, and files that say where they lie."""

from __future__ import annotations

import math
import re
import sys
import tracemalloc
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from cases import CASES, Case
from scipy.spatial import Delaunay

import regerr
from regerr import ErrorMap, FiducialPairs, InputError, MissingExtraError, RegistrationResult, UndeterminedError
from regerr.error_map import error_map, round_levels, round_number
from regerr.models import Estimator
from regerr.ome_tiff import ome_unit
from regerr.quadratic import Quadratic, quadratic_of
from regerr.regions import Ellipsoid

FLOAT32 = 1e-6  # of a value: a few roundings of float32
each_case = pytest.mark.parametrize("case", CASES, ids=str)


def grid(dimension: int) -> tuple[tuple[int, ...], tuple[float, ...], tuple[float, ...]]:
    """A small anisotropic grid around the fiducials of `cases`: shape z, y, x; spacing and origin x, y, z."""
    return ((9, 11), (12.0, 7.0), (-3.0, 20.0)) if dimension == 2 else ((4, 5, 6), (20.0, 15.0, 31.0), (0.0, -7.0, 5.0))


def centres(shape: tuple[int, ...], spacing: tuple[float, ...], origin: tuple[float, ...]) -> np.ndarray:
    """Pixel centres in the order of ``values.ravel()``, written naively: (pixels, d)."""
    return np.array([[o + s * i for o, s, i in zip(origin, spacing, index[::-1], strict=True)] for index in np.ndindex(shape)])


def a_result(model: str = "affine", dimension: int = 2, n: int = 9, noise: str = "both") -> RegistrationResult:
    rng = np.random.default_rng(1)
    source = 60.0 + 25.0 * rng.standard_normal((n, dimension))
    target = 3.0 * source + rng.standard_normal(source.shape)
    return regerr.fit(FiducialPairs(source, target, source_unit="px", target_unit="nm"), model, noise)


def assert_close(values: np.ndarray, expected: np.ndarray, rtol: float = FLOAT32) -> None:
    np.testing.assert_allclose(values, expected, rtol=rtol, atol=0)


# Values


@each_case
def test_map_is_the_prediction_at_pixel_centres(case: Case):
    result, (shape, spacing, origin) = case.fit(case.pairs(3)), grid(case.dimension)
    for kind in case.estimator.kinds:
        values = result.error_map(shape, spacing, origin, kind).values
        expected = result.predict(centres(shape, spacing, origin), kind).rms
        assert values.shape == shape and values.dtype == np.float32
        assert_close(values.ravel(), expected)
        assert expected.max() > 1.01 * expected.min() or kind == "observation"


@each_case
def test_radius_is_the_wald_region_at_pixel_centres(case: Case):
    result, (shape, spacing, origin) = case.fit(case.pairs(4)), grid(case.dimension)
    values = result.error_map(shape, spacing, origin, "tre", "radius", level=0.9).values
    regions = result.predict(centres(shape, spacing, origin), "tre").region(0.9, "wald")
    assert isinstance(regions, Ellipsoid)
    assert_close(values.ravel(), np.sqrt(np.linalg.eigvalsh(regions.matrix)[:, -1]))


@each_case
def test_parabolas_and_pixel_by_pixel_agree(case: Case, monkeypatch: pytest.MonkeyPatch):
    """Either way is taken where it should be, and both give one map."""
    taken: list[Quadratic | None] = []

    def watched(*given: Any) -> Quadratic | None:
        taken.append(quadratic_of(*given))
        return taken[-1]

    monkeypatch.setattr("regerr.error_map.quadratic_of", watched)
    result, (shape, spacing, origin) = case.fit(case.pairs(5)), grid(case.dimension)
    fast = {q: result.error_map(shape, spacing, origin, "observation", q).values for q in ("rms", "radius")}
    turns_its_axes = case.given or (case.dimension == 3 and case.model != "affine")
    assert [found is None for found in taken] == [False, turns_its_axes]
    monkeypatch.setattr(Estimator, "quadratic", False)
    for quantity, values in fast.items():
        slow = result.error_map(shape, spacing, origin, "observation", quantity).values
        assert_close(values, slow)
    assert len(taken) == 2


@pytest.mark.parametrize("dimension", [2, 3])
def test_target_image_is_mapped_back(dimension: int):
    result, (shape, spacing, origin) = a_result("affine", dimension), grid(dimension)
    made = result.error_map(shape, spacing, origin, "observation", image="target")
    there = centres(shape, spacing, origin)
    expected = result.predict(result.transform.inverse().apply(there), "observation").rms
    assert_close(made.values.ravel(), expected)
    assert (made.unit, made.grid_unit) == ("nm", "nm")
    assert np.array_equal(made.fiducials, result.pairs.target)
    assert not np.allclose(made.values, result.error_map(shape, spacing, origin, "observation").values, rtol=0.01)


def test_what_a_map_says_of_itself():
    result = a_result()
    made = result.error_map((4, 5), 2.0, kind="observation", quantity="radius")
    assert (made.spacing, made.origin, made.level) == ((2.0, 2.0), (0.0, 0.0), 0.95)
    assert (made.unit, made.grid_unit, made.image, made.dimension) == ("nm", "px", "source", 2)
    assert made.label == "observation, 95 % radius (nm)"
    assert result.error_map((4, 5)).label == "TRE, r.m.s. (nm)"
    assert made.how.startswith("affine model, noise isotropic, in both spaces") and made.how.endswith("9 fiducials")
    assert not made.values.flags.writeable


@pytest.mark.parametrize("offset", [1e5, 1e8])
def test_far_from_the_origin(offset: float):
    """Stage coordinates: what remains is the rounding of the coordinates themselves."""
    near = a_result()
    far = regerr.fit(FiducialPairs(near.pairs.source + offset, near.pairs.target - offset), "affine")
    expected = near.error_map((30, 40)).values
    assert_close(far.error_map((30, 40), origin=offset).values, expected, FLOAT32 + 1e-15 * offset)


@pytest.mark.parametrize("scale", [1e-9, 1e9, 1e-18])
def test_units_only_scale_a_map(scale: float):
    """In metres, in picometres, and where float32 would lose a square."""
    near = a_result()
    scaled = regerr.fit(FiducialPairs(scale * near.pairs.source, scale * near.pairs.target), "affine")
    assert_close(scaled.error_map((20, 30), scale).values / scale, near.error_map((20, 30)).values)


def test_exact_fit_is_a_map_of_zeros():
    source = np.array([[0.0, 0], [4, 0], [0, 8], [8, 8], [2, 4]])
    with pytest.warns(regerr.RegistrationWarning):
        result = regerr.fit(FiducialPairs(source, source), "affine", "target")
    assert not result.error_map((5, 6)).values.any()


def test_unbounded_regions_are_infinite_and_warn_nothing():
    """Noise as large as the thin side of four fiducials (seed searched for)."""
    rng = np.random.default_rng(4)
    source = rng.normal(size=(4, 2)) * [20, 2] + 50
    target = source + rng.normal(size=(4, 2)) * 3
    result = regerr.fit(FiducialPairs(source + rng.normal(size=(4, 2)) * 3, target), "affine")
    for quantity in ("rms", "radius"):
        made = result.error_map((3, 4), quantity=quantity)
        assert np.isinf(made.values).all() and np.isinf(made.at([[1.5, 0.5]])).all()
        assert made.contour_levels().size == 0


@pytest.mark.parametrize("quadratic", [True, False])
def test_memory_is_that_of_the_map(quadratic: bool, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Estimator, "quadratic", quadratic)
    result = a_result()
    result.error_map((10, 10))
    tracemalloc.start()
    values = result.error_map((3000, 1000)).values
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < values.nbytes + (3_000_000 if quadratic else 9_000_000)


# Reading a map


@pytest.mark.parametrize("dimension", [2, 3])
def test_at_returns_pixels_and_lines_between_them(dimension: int):
    shape, spacing, origin = grid(dimension)
    made = a_result("affine", dimension).error_map(shape, spacing, origin)
    assert made.at(centres(shape, spacing, origin)) == pytest.approx(made.values.ravel().astype(float), rel=1e-12)
    half = np.array(origin) + np.array(spacing) * np.array([1.5, 2, 1][:dimension])
    index = (1, 2, 1)[:dimension][::-1]
    expected = 0.5 * (float(made.values[index]) + float(made.values[(*index[:-1], 2)]))
    assert made.at(half[None]) == pytest.approx(expected, rel=1e-12)
    edge = np.array(origin) - 0.5 * np.array(spacing)
    assert made.at(edge[None]) == pytest.approx(float(made.values.flat[0]), rel=1e-12)


def test_at_beside_an_infinite_pixel():
    made = handmade(np.array([[1.0, np.inf], [2.0, 3.0]], np.float32))
    assert made.at([[0.0, 0.0], [0.0, 0.5], [0.5, 1.0], [0.5, 0.0]]).tolist() == [1.0, 1.5, 2.5, math.inf]


@pytest.mark.parametrize(("points", "words"), [
    ([[0.0, 0.0], [9.0, 0.0]], "point 2 of 2, at (9.0, 0.0), lies outside the map"), ([[np.nan, 0.0]], "lies outside the map"),
    ([0.0, 0.0], "points have shape (2,)"), ([[0.0, 0.0, 0.0]], "points have shape (1, 3)")])
def test_at_refuses(points: list, words: str):
    with pytest.raises(InputError, match=re.escape(words)):
        handmade(np.ones((2, 3), np.float32)).at(points)


def handmade(values: np.ndarray, fiducials: np.ndarray | None = None, spacing: float = 1.0) -> ErrorMap:
    d = values.ndim
    where = np.zeros((3, d)) if fiducials is None else fiducials
    return ErrorMap(values, (spacing,) * d, (0.0,) * d, "nm", "µm", "tre", "rms", None, "source", where, "by hand")


def test_levels_are_round_and_inside():
    values = np.array([23.1, np.inf, 138.0])
    assert round_levels(values, 5).tolist() == [40.0, 60.0, 80.0, 100.0, 120.0]
    assert [round_number(v) for v in (0.03, 0.9, 1.1, 3.5, 8.0, 26.0)] == pytest.approx([0.02, 1.0, 1.0, 5.0, 10.0, 20.0])
    for low, high in np.random.default_rng(0).uniform(0.1, 90.0, (50, 2)):
        levels = round_levels(np.array([low, high]), 5)
        assert 2 <= len(levels) <= 8 and min(low, high) < levels.min() and levels.max() < max(low, high)


# Hull and extrapolation


@pytest.mark.parametrize("dimension", [2, 3])
def test_extrapolated_is_outside_the_hull_but_for_a_pixel(dimension: int):
    """Against a triangulation: outside it where marked, inside where not, pixels on the edge apart."""
    rng = np.random.default_rng(7)
    shape = (40, 50) if dimension == 2 else (12, 14, 16)
    fiducials = rng.uniform(0.2, 0.8, (9, dimension)) * np.array(shape[::-1])
    outside = handmade(np.ones(shape, np.float32), fiducials).extrapolated
    pixels = centres(shape, (1.0,) * dimension, (0.0,) * dimension)
    corners = pixels[:, None] + 0.5 * np.array(list(np.ndindex((2,) * dimension))) * 2.0 - 0.5
    inside = Delaunay(fiducials).find_simplex(corners) >= 0
    assert not outside.ravel()[inside.any(-1)].any()
    reach = Delaunay(fiducials.mean(0) + 1.6 * (fiducials - fiducials.mean(0))).find_simplex(pixels) >= 0
    assert outside.ravel()[~reach].all()
    assert 0.05 < np.mean(~outside) < 0.6


@pytest.mark.parametrize(("fiducials", "inside"), [
    ([[1.0, 1.0], [5.0, 1.0], [3.0, 1.0]], {(1, x) for x in range(1, 6)}),
    ([[2.0, 3.0], [2.0, 3.0]], {(3, 2)}),
    ([[1.2, 0.9], [1.2, 3.1]], {(y, 1) for y in (1, 2, 3)})])
def test_fiducials_on_a_line_have_an_inside_of_one_pixel(fiducials: list, inside: set):
    outside = handmade(np.ones((5, 7), np.float32), np.array(fiducials) + 1e-3).extrapolated
    assert {tuple(map(int, index)) for index in np.argwhere(~outside)} == inside


def test_fiducials_in_a_plane_of_a_volume():
    fiducials = np.array([[0.0, 0, 2], [6, 0, 2], [6, 6, 2], [0, 6, 2]]) + 1e-3
    outside = handmade(np.ones((5, 7, 7), np.float32), fiducials).extrapolated
    assert not outside[2].any() and outside[[0, 1, 3, 4]].all()


def test_hull_does_not_mind_units():
    fiducials = np.random.default_rng(2).uniform(0, 20, (6, 2))
    here = handmade(np.ones((20, 20), np.float32), fiducials).extrapolated
    assert np.array_equal(handmade(np.ones((20, 20), np.float32), 1e-9 * fiducials, 1e-9).extrapolated, here)


# Files


@pytest.mark.parametrize("dimension", [2, 3])
def test_ome_tiff_keeps_values_pixel_size_and_origin(tmp_path: Path, dimension: int):
    shape, spacing, origin = grid(dimension)
    made = error_map(a_result("affine", dimension), shape, spacing=spacing, origin=origin, image="target")
    path = tmp_path / "map.ome.tif"
    made.save(path)
    with tifffile.TiffFile(path) as file:
        assert file.is_ome and np.array_equal(file.asarray(), made.values) and file.series[0].axes == "ZYX"[-dimension:]
        assert file.asarray().dtype == np.float32
        root = ElementTree.fromstring(file.ome_metadata or "")
    name = {"ome": "http://www.openmicroscopy.org/Schemas/OME/2016-06"}
    pixels, plane = root.find(".//ome:Pixels", name), root.find(".//ome:Plane", name)
    assert pixels is not None and plane is not None
    for axis, size, start in zip("XYZ", spacing, origin, strict=False):
        assert float(pixels.attrib[f"PhysicalSize{axis}"]) == size and pixels.attrib[f"PhysicalSize{axis}Unit"] == "nm"
        assert float(plane.attrib[f"Position{axis}"]) == start
    assert made.label in (root.findtext(".//ome:Description", "", name))
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("unit", "expected"), [
    ("px", "pixel"), ("nm", "nm"), ("um", "µm"), ("\u00b5m", "µm"), ("\u03bcm", "µm"), ("micron", "µm"), ("MM", "mm"),
    ("furlong", "reference frame")])
def test_units_in_the_spelling_of_ome(unit: str, expected: str):
    assert ome_unit(unit) == expected


def test_an_existing_file_is_kept(tmp_path: Path):
    path = tmp_path / "map.ome.tif"
    path.write_text("mine")
    made = handmade(np.ones((2, 3), np.float32))
    with pytest.raises(InputError, match=r"already exists: .*force=True"):
        made.save(path)
    assert path.read_text() == "mine"
    made.save(path, force=True)
    assert tifffile.imread(path).shape == (2, 3)
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_half_written_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(path: Path, *_: object, **__: object) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tifffile, "imwrite", full)
    with pytest.raises(InputError, match=r"cannot write .*map\.ome\.tif \(No space left on device\)"):
        handmade(np.ones((2, 3), np.float32)).save(tmp_path / "map.ome.tif")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("path", "words"), [
    ("absent/map.tif", "cannot write"), (".", "is a folder"), ("file/map.tif", "cannot write")])
def test_paths_that_cannot_be_written(tmp_path: Path, path: str, words: str):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(InputError, match=words):
        handmade(np.ones((2, 3), np.float32)).save(tmp_path / path)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_without_tifffile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "tifffile", None)
    with pytest.raises(MissingExtraError, match=r"tifffile.*regerr\[io\]"):
        handmade(np.ones((2, 3), np.float32)).save(tmp_path / "map.ome.tif")


# Bad input


@pytest.mark.parametrize(("arguments", "words"), [
    ({"shape": (4, 5, 6)}, r"shape is \(4, 5, 6\): give \(y, x\)"),
    ({"shape": (4,)}, r"shape is \(4,\)"),
    ({"shape": 4}, "shape is 4"),
    ({"shape": (4, 0)}, "whole numbers of at least 1"),
    ({"shape": (4, 5.5)}, "whole numbers"),
    ({"spacing": 0.0}, r"spacing is 0\.0: give a pixel size above 0"),
    ({"spacing": (1.0, -2.0)}, "spacing is .*above 0"),
    ({"spacing": (1.0, 2.0, 3.0)}, "spacing is .*or 2 in the order x, y"),
    ({"spacing": "wide"}, "spacing is 'wide'"),
    ({"spacing": np.nan}, "spacing is nan"),
    ({"origin": (0.0, np.inf)}, "origin is .*finite"),
    ({"origin": (0.0, 0.0, 0.0)}, "origin is"),
    ({"quantity": "mean"}, "quantity is 'mean': use 'rms'"),
    ({"kind": "fre"}, "kind is 'fre'"),
    ({"image": "moving"}, "image is 'moving': use 'source' or 'target'"),
    ({"level": 0.9}, "level is 0.9 and the quantity 'rms' has none"),
    ({"quantity": "radius", "level": 95}, "the level is 95"),
    ({"quantity": "radius", "level": "high"}, "the level is 'high'")])
def test_bad_arguments(arguments: dict, words: str):
    with pytest.raises(InputError, match=words):
        a_result().error_map(**{"shape": (4, 5)} | arguments)


def test_all_faults_in_one_sentence():
    with pytest.raises(InputError) as caught:
        a_result().error_map((4,), spacing=-1.0, origin=np.nan, kind="x", quantity="y", image="z")
    assert all(name in str(caught.value) for name in ("shape", "spacing", "origin", "kind", "quantity", "image"))
    assert "\n" not in str(caught.value)


def test_a_kind_the_noise_cannot_answer():
    with pytest.raises(InputError, match="'lre' needs"):
        a_result(noise="full").error_map((4, 5), kind="lre")


def test_a_batch_is_asked_one_at_a_time():
    source = np.random.default_rng(0).normal(size=(3, 6, 2))
    result = regerr.fit(FiducialPairs(source, source + 0.01 * np.random.default_rng(1).normal(size=source.shape)))
    with pytest.raises(InputError, match=r"result\[i\]"):
        result.error_map((4, 5))
    assert result[1].error_map((4, 5)).values.shape == (4, 5)


def test_a_failed_dataset_has_no_map():
    line = np.outer(np.arange(6.0), [1.0, 2.0])
    result = regerr.fit(FiducialPairs(line[None], line[None]), "affine", on_failure="mark")[0]
    with pytest.raises(UndeterminedError, match="no registration to map: the fiducials lie on one line"):
        result.error_map((4, 5))


def test_more_pixels_than_memory():
    with pytest.raises(InputError, match="does not fit in memory"):
        a_result().error_map((10**9, 10**9))

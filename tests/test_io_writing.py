"""What is written is read back the same, in the unit, axes and origin of the format; what a format cannot say is told."""

from __future__ import annotations

import csv
import json
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from regerr import FiducialPairs, InputError, RegistrationWarning, Transform, UnsupportedError, Unused, fit, load
from regerr.cli import app
from regerr.io import Points, read_pairs, read_points, read_transform, write_pairs, write_points, write_regions, write_transform
from regerr.io.registration_json import parameter_covariance, registration_to_dict
from regerr.io.writing import WRITERS, writer_of

RNG = np.random.default_rng(20261124)
PAIR_FORMATS = ("table", "bigwarp", "ecclem")
POINT_FORMATS = ("table", "ecclem-csv", "fcsv", "slicer", "imagej", "napari", "qupath")
UNITS = {"ecclem": "µm", "ecclem-csv": "µm", "fcsv": "mm", "slicer": "mm", "imagej": "px", "qupath": "px"}


def pairs_of(d: int, unit: str = "px", unused: bool = True) -> FiducialPairs:
    source, target = RNG.uniform(10, 200, (2, 6, d))
    if d == 3:
        source[:, 2], target[:, 2] = np.arange(6), np.arange(6)[::-1]
    left = (Unused("off", "disabled in the file", tuple(source[0] + 1), tuple(target[0] + 1)),
            Unused("half", "not placed in the target", tuple(source[0] + 2), None))
    return FiducialPairs(source, target, ("a", "b c", "d,e", "été", "5", 'say "x"'), unit, unit, unused=left if unused else ())


def said(run: Callable[[], object]) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run()
    return [str(one.message) for one in caught]


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("name", PAIR_FORMATS)
def test_pairs_come_back(tmp_path: Path, name: str, d: int) -> None:
    pairs = pairs_of(d, UNITS.get(name, "nm"))
    path = tmp_path / "out"
    told = said(lambda: write_pairs(pairs, path, name))
    back = read_pairs(path)
    np.testing.assert_array_equal(back.source, pairs.source)
    np.testing.assert_array_equal(back.target, pairs.target)
    if name == "ecclem":
        assert told == ["the format ecclem does not keep points that are not used (2 are left out)"]
        assert back.names == tuple("012345")
        return
    assert not told
    assert back.names == tuple(n.replace('"', "'") if name == "bigwarp" else n for n in pairs.names)
    assert [(u.name, u.source, u.target) for u in back.unused] == [(u.name, u.source, u.target) for u in pairs.unused]
    if name == "table":
        assert back.unused == pairs.unused
    assert back.source_unit == ("unit" if name == "bigwarp" else "nm")


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("name", POINT_FORMATS)
def test_points_come_back_from_two_files(tmp_path: Path, name: str, d: int) -> None:
    pairs = replace(pairs_of(d, UNITS.get(name, "px"), unused=False), source_origin="centre", target_origin="centre")
    written: list[tuple[Path, ...]] = []
    told = said(lambda: written.append(write_pairs(pairs, tmp_path / "out.x", name)))
    places = written[0]
    if name == "table":
        assert places == (tmp_path / "out.x",)
        return
    assert places == (tmp_path / "out_source.x", tmp_path / "out_target.x")
    assert told == (["the format qupath does not keep z"] if (name, d) == ("qupath", 3) else [])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RegistrationWarning)
        back = read_pairs(*places)
        single = read_points(places[0], origin="centre")
    width = 2 if name == "qupath" else d
    shift = 0.5 * np.array([1.0, 1.0, 0.0][:width]) if UNITS.get(name) == "px" else 0.0  # their corner, our centre
    flat_slicer = name in ("fcsv", "slicer") and d == 2  # z = 0 is written, and stays
    expected = np.column_stack([pairs.source, np.zeros(6)]) if flat_slicer else pairs.source[:, :width] + shift
    np.testing.assert_allclose(back.source, expected, rtol=1e-6 if name == "imagej" else 0, atol=0)
    assert back.names == (tuple("012345") if name == "ecclem-csv" else pairs.names)
    if not flat_slicer:
        np.testing.assert_allclose(single.points, pairs.source[:, :width], rtol=1e-6)


def test_what_is_unused_stays_so(tmp_path: Path) -> None:
    points = Points(np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 7.0]]), ("a", "b"), "mm", None,
                    (Unused("off", "hidden in the file", (7.0, 8.0, 9.0)), Unused("nowhere", "its position is missing")), "RAS")
    for name in ("fcsv", "slicer", "table"):
        back = read_points(write_points(points, tmp_path / name, name))
        np.testing.assert_array_equal(back.points, points.points)
        assert back.frame == (None if name == "table" else "RAS")
        assert [u.name for u in back.unused] == (["off"] if name == "fcsv" else ["off", "nowhere"])
        assert back.unused[0].source == (7.0, 8.0, 9.0)
    lengths = said(lambda: write_points(points, tmp_path / "e", "ecclem-csv"))
    assert lengths == ["the format ecclem-csv does not keep points that are not used (2 are left out)"]
    np.testing.assert_allclose(read_points(tmp_path / "e").points, 1000 * points.points)


def test_standard_deviations_come_back_from_a_table(tmp_path: Path) -> None:
    covariance = np.array([np.diag([1.0, 4.0]), np.diag([9.0, 16.0]), np.eye(2)])
    pairs = FiducialPairs(RNG.uniform(size=(3, 2)), RNG.uniform(size=(3, 2)), None, "nm", "nm", covariance)
    write_pairs(pairs, tmp_path / "a.csv")
    back = read_pairs(tmp_path / "a.csv")
    assert back.source_covariance is not None and back.target_covariance is None
    np.testing.assert_allclose(back.source_covariance, covariance, rtol=1e-15)
    tilted = FiducialPairs(pairs.source, pairs.target, None, "nm", "nm", covariance + 0.5)
    assert said(lambda: write_pairs(tilted, tmp_path / "b.csv")) == [
        "the format table does not keep the correlation of the coordinates of a point"]
    assert said(lambda: write_pairs(pairs, tmp_path / "c.csv", "bigwarp")) == [
        "the format bigwarp does not keep the precision of the points"]


def test_whole_covariances_come_back_from_a_registration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    covariance = np.array([[[4.0, 1.0], [1.0, 9.0]]] * 5) * np.arange(1, 6)[:, None, None]
    source = RNG.uniform(0, 100, (5, 2))
    pairs = FiducialPairs(source, source + RNG.normal(size=(5, 2)), None, "nm", "nm", covariance, 2 * covariance,
                          (Unused("off", "dropped", (1.0, 2.0), None),))
    data = {"regerr": "0.1.0", "pairs": pairs.to_dict()}
    (tmp_path / "r.json").write_text(json.dumps(data))
    back = read_pairs(tmp_path / "r.json")
    assert back.to_dict() == pairs.to_dict()
    code, _, err = run(capsys, tmp_path / "r.json", tmp_path / "t.csv")
    assert code == 0 and "does not keep the correlation" in err


def test_units_are_converted_and_never_guessed(tmp_path: Path) -> None:
    pairs = pairs_of(3, "nm", unused=False)
    write_pairs(pairs, tmp_path / "e.xml")
    np.testing.assert_allclose(read_pairs(tmp_path / "e.xml").source, pairs.source / 1000)
    with pytest.raises(InputError, match="the source of the pairs is in nm, and the format imagej takes pixels: give the "
                                         "pixel size in nm"):
        write_pairs(pairs, tmp_path / "r.zip")
    with pytest.raises(InputError, match="the source of the pairs is in px, and the format ecclem takes µm: give the pixel size"):
        write_pairs(pairs_of(2), tmp_path / "x.xml")
    with pytest.raises(InputError, match="is in pixels: its pixel size needs a unit"):
        write_pairs(pairs_of(2), tmp_path / "x.csv", source_pixel_size=2.0)
    places = write_pairs(pairs, tmp_path / "r.zip", source_pixel_size=(2.0, 2.0, 0.5), target_pixel_size=1.0)
    np.testing.assert_allclose(read_points(places[0], origin="centre").points, pairs.source / (2.0, 2.0, 0.5), rtol=1e-5)
    with pytest.raises(InputError, match=r"lies at .* and ImageJ's ROIs end at 30000 pixels"):
        write_pairs(pairs, tmp_path / "far.zip", source_pixel_size=1e-4, target_pixel_size=1.0)


def test_pixels_are_written_as_they_stand_unless_one_says_from_where_they_count(tmp_path: Path) -> None:
    pairs = pairs_of(2, unused=False)
    for origin, shift in ((None, 0.0), ("corner", 0.0), ("centre", 0.5)):
        place = write_pairs(replace(pairs, source_origin=origin), tmp_path / "q.geojson", force=True)[0]
        np.testing.assert_array_equal(read_points(place).points, pairs.source + shift)


def test_a_table_keeps_all_that_pairs_know(tmp_path: Path) -> None:
    """But for correlations: numbers as they stand, and what they mean."""
    pairs = replace(pairs_of(2), gate=0.997, source_origin="corner", target_origin="centre", unused=(
        Unused("u", "two candidates within reach", (1.0, 2.0), None), Unused("v", 'said "no",\ntwice', None, (3.0, 4.0)),
        Unused("w", "", (1.0, 1.0), (2.0, 2.0))))
    assert not said(lambda: write_pairs(pairs, tmp_path / "a.csv"))
    back = read_pairs(tmp_path / "a.csv")
    assert [u.reason for u in back.unused] == ["two candidates within reach", 'said "no", twice', "not used"]
    assert replace(back, unused=()).to_dict() == replace(pairs, unused=()).to_dict()
    header = (tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header.endswith(",used,reason,pixel_origin_source,pixel_origin_target,gate")
    write_pairs(pairs_of(2, unused=False), tmp_path / "b.csv")  # nothing to say, no column
    assert (tmp_path / "b.csv").read_text(encoding="utf-8").splitlines()[0].endswith(",y_target [px],used")
    assert said(lambda: write_pairs(pairs, tmp_path / "b", "bigwarp")) == [
        "the format bigwarp does not keep the gate of the pairs (register them with --gate 0.997)"]
    back = read_pairs(tmp_path / "b")
    np.testing.assert_array_equal(back.source, pairs.source - 0.5)  # BigWarp counts from the centre
    np.testing.assert_array_equal(back.target, pairs.target)


def test_points_of_a_table_keep_from_where_they_count(tmp_path: Path) -> None:
    points = Points(np.array([[1.0, 2.0], [3.0, 5.0]]), ("a", "b"), "nm", None, (Unused("c", "too dim", (4.0, 5.0)),),
                    origin="corner")
    back = read_points(write_points(points, tmp_path / "a.csv"))
    np.testing.assert_array_equal(back.points, points.points)
    assert (back.origin, back.unit, back.unused) == ("corner", "nm", points.unused)
    points = replace(points, unused=())
    place = write_points(points, tmp_path / "q.geojson", pixel_size=0.5)  # lengths from the corner stay there
    np.testing.assert_array_equal(read_points(place).points, points.points / 0.5)
    centre = write_points(replace(points, origin=None), tmp_path / "r.geojson", pixel_size=0.5)
    np.testing.assert_array_equal(read_points(centre).points, points.points / 0.5 + 0.5)


def test_names_of_two_files_keep_their_dots(tmp_path: Path) -> None:
    pairs = pairs_of(2, unused=False)
    for name, written in (("2026.11.24 beads.csv", "2026.11.24 beads_source.csv"), ("a.b.MRK.JSON", "a.b_source.MRK.JSON")):
        format = "napari" if name.endswith("csv") else "slicer"
        place = write_pairs(FiducialPairs(pairs.source, pairs.target, None, "mm", "mm"), tmp_path / name, format)[0]
        assert place == tmp_path / written


def test_pixel_sizes_are_numbers_or_arrays(tmp_path: Path) -> None:
    pairs = pairs_of(2, "nm", unused=False)
    for size in (2.0, (2.0, 2.0), np.array([2.0, 2.0]), np.float64(2.0)):
        place = write_pairs(pairs, tmp_path / "a.geojson", source_pixel_size=size, target_pixel_size=1, force=True)[0]
        np.testing.assert_allclose(read_points(place, origin="centre").points, pairs.source / 2)
    for size in ((1.0, 2.0, 3.0), "wide", -1.0, (1.0, np.nan)):
        with pytest.raises(InputError, match="the pixel size of the source of the pairs is"):
            write_pairs(pairs, tmp_path / "b.geojson", source_pixel_size=size, target_pixel_size=1)  # type: ignore[arg-type]


def test_what_cannot_be_written(tmp_path: Path) -> None:
    pairs = pairs_of(2)
    with pytest.raises(InputError, match=r"the ending of .*out\.dat does not say which format to write: name it \(choose "
                                         r"table, bigwarp"):
        write_pairs(pairs, tmp_path / "out.dat")
    with pytest.raises(InputError, match="there is no format 'excel' to write"):
        write_pairs(pairs, tmp_path / "out.dat", "excel")
    with pytest.raises(InputError, match="the format itk holds a transformation and no points"):
        write_pairs(pairs, tmp_path / "out.tfm")
    with pytest.raises(InputError, match="these are points of one space, and the format bigwarp holds pairs"):
        write_points(Points(pairs.source, pairs.names), tmp_path / "out", "bigwarp")
    batch = FiducialPairs(np.zeros((2, 1, 2)), np.zeros((2, 1, 2)))
    with pytest.raises(InputError, match=r"these pairs are a batch of shape \(2,\)"):
        write_pairs(batch, tmp_path / "out.csv")
    with pytest.raises(InputError, match="this is a batch of transformations"):
        write_transform(Transform.from_matrix(np.ones((2, 2, 2))), tmp_path / "out.tfm")
    with pytest.raises(InputError, match="the format table holds no transformation by itself"):
        write_transform(Transform.identity(2), tmp_path / "out.csv")
    with pytest.raises(InputError, match="has no inverse"):
        write_transform(Transform.from_matrix(np.zeros((2, 2))), tmp_path / "out.tfm")
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten_and_nothing_half_written(tmp_path: Path) -> None:
    pairs = pairs_of(2)
    (tmp_path / "a_target.geojson").write_text("mine")
    with pytest.raises(InputError, match=r"a_target\.geojson already exists"):
        write_pairs(pairs, tmp_path / "a.geojson")
    assert [path.name for path in tmp_path.iterdir()] == ["a_target.geojson"]
    write_pairs(pairs, tmp_path / "a.geojson", force=True)
    assert {path.name for path in tmp_path.iterdir()} == {"a_source.geojson", "a_target.geojson"}
    with pytest.raises(InputError, match="cannot write"):
        write_pairs(pairs, tmp_path / "nowhere" / "a.csv")


# As the other programs have it


def test_what_bigwarp_reads(tmp_path: Path) -> None:
    write_pairs(pairs_of(2), tmp_path / "b.csv", "bigwarp")
    lines = (tmp_path / "b.csv").read_text(encoding="utf-8").splitlines()
    assert all(line.startswith('"') and line.endswith('"') and len(line.split('","')) == 6 for line in lines)
    assert [line.split('","')[1] for line in lines] == ["true"] * 6 + ["false"] * 2
    assert lines[-1].endswith('"Infinity","Infinity"')


def test_what_napari_reads(tmp_path: Path) -> None:
    pairs = pairs_of(3)
    place = write_pairs(pairs, tmp_path / "n.csv", "napari")[0]
    rows = list(csv.reader(place.read_text(encoding="utf-8").splitlines()))
    assert rows[0] == ["index", "axis-0", "axis-1", "axis-2", "label", "unused"]
    assert [float(cell) for cell in rows[1][1:4]] == pairs.source[0, ::-1].tolist()


def test_what_imagej_reads(tmp_path: Path) -> None:
    import roifile

    pairs = pairs_of(3)
    with pytest.warns(RegistrationWarning, match=r"points that are not used \(2 are left out\)"):
        place = write_pairs(pairs, tmp_path / "r.zip")[0]
    with zipfile.ZipFile(place) as archive:
        assert archive.testzip() is None and all(name.endswith(".roi") for name in archive.namelist())
    rois = roifile.roiread(place)
    assert {roi.roitype.name for roi in rois} == {"POINT"} and [roi.name for roi in rois][:2] == ["a",
                                                                                                  "b c"]  # type: ignore[union-attr]
    assert [roi.z_position for roi in rois][:3] == [1, 2, 3] and len(rois) == 6  # type: ignore[union-attr,arg-type]
    between = FiducialPairs(pairs.source + 0.25, pairs.target)
    with pytest.warns(RegistrationWarning, match="z is rounded to the nearest"):
        write_pairs(between, tmp_path / "z.zip")


def test_what_qupath_and_slicer_read(tmp_path: Path) -> None:
    data = json.loads(write_pairs(pairs_of(2), tmp_path / "q.geojson")[0].read_text(encoding="utf-8"))
    assert data["type"] == "FeatureCollection" and data["features"][0]["properties"]["objectType"] == "annotation"
    data = json.loads(write_pairs(pairs_of(3, "mm"), tmp_path / "s.mrk.json")[0].read_text(encoding="utf-8"))
    points = data["markups"][0]
    assert points["coordinateSystem"] == "LPS" and points["controlPoints"][0]["positionStatus"] == "defined"


# Transformations


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("name", ["itk", "ngff"])
def test_transformations_come_back(tmp_path: Path, name: str, d: int) -> None:
    one = Transform(RNG.normal(size=(d, d)), RNG.normal(size=d) * 100, RNG.normal(size=d) * 100)
    write_transform(one, tmp_path / "t", name, units=("px", "nm"), remark="rigid,\n6 pairs")
    back = read_transform(tmp_path / "t")
    np.testing.assert_allclose(back.homogeneous, one.homogeneous, rtol=1e-9, atol=1e-9)


def test_itk_files_map_from_the_target_and_say_so(tmp_path: Path) -> None:
    one = Transform.from_matrix([[0.0, -2.0], [2.0, 0.0]], [5.0, 7.0])
    write_transform(one, tmp_path / "t.tfm")
    content = (tmp_path / "t.tfm").read_text()
    assert content.startswith("#Insight Transform File V1.0\n# target_to_source")
    np.testing.assert_allclose(read_transform(tmp_path / "t.tfm", as_stored=True).apply(one.apply([[3.0, 4.0]])), [[3.0, 4.0]])


def test_ngff_has_both_ways_in_its_own_order_of_axes(tmp_path: Path) -> None:
    one = Transform.from_matrix([[1.0, 2.0], [3.0, 4.0]], [5.0, 6.0])
    write_transform(one, tmp_path / "t.json", "ngff", units=("px", "nm"))
    data = json.loads((tmp_path / "t.json").read_text())
    there, back = data["coordinateTransformations"]
    assert (there["name"], back["name"]) == ("source_to_target", "target_to_source")
    np.testing.assert_allclose(there["affine"], [[4.0, 3.0, 6.0], [2.0, 1.0, 5.0]])
    np.testing.assert_allclose(np.vstack([there["affine"], [0, 0, 1]]) @ np.vstack([back["affine"], [0, 0, 1]]), np.eye(3),
                               atol=1e-12)
    assert [system["axes"][0] for system in data["coordinateSystems"]] == [
        {"name": "y", "type": "space"}, {"name": "y", "type": "space", "unit": "nanometer"}]


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize(("model", "noise"), [("rigid", "both"), ("similarity", "target"), ("affine", "both"),
                                              ("affine", "full")])
def test_the_covariance_of_the_parameters_gives_that_of_every_mapped_point(model: str, noise: str, d: int) -> None:
    source = RNG.uniform(0, 100, (12, d))
    result = fit(FiducialPairs(source + RNG.normal(size=source.shape), source + RNG.normal(size=source.shape)), model, noise)
    names, covariance = parameter_covariance(result)
    points = RNG.uniform(-50, 150, (5, d))
    arms = points - result.fitted.x_mean
    gradient = np.concatenate([np.einsum("mj,ik->mikj", arms, np.eye(d)).reshape(5, d, d * d),
                               np.broadcast_to(np.eye(d), (5, d, d))], -1)
    np.testing.assert_allclose(gradient @ covariance @ np.swapaxes(gradient, -1, -2), result.predict(points, "tre").covariance,
                               rtol=1e-9, atol=1e-12)
    assert len(names) == len(covariance) == d * (d + 1)
    data = registration_to_dict(result)["parameters"]
    moved = np.array(data["values"][d * d:]) + np.array(data["values"][: d * d]).reshape(d, d) @ (points[0] - data["centre"])
    np.testing.assert_allclose(moved, result.transform.apply(points[:1])[0])


# The command


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    try:
        code = app(["convert", *map(str, arguments)], standalone_mode=True)
    except SystemExit as stop:
        code = stop.code
    shown = capsys.readouterr()
    return int(code or 0), shown.out, shown.err


@pytest.fixture
def beads(tmp_path: Path) -> Path:
    path = tmp_path / "beads.csv"
    source = RNG.uniform(0, 500, (7, 2))
    write_pairs(FiducialPairs(source, source + RNG.normal(size=(7, 2)), source_unit="px", target_unit="px"), path)
    return path


def test_convert_points(tmp_path: Path, beads: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, beads, tmp_path / "q.geojson")
    assert (code, err) == (0, "")
    assert "7 pairs of" in out and "q_source.geojson and" in out and "(QuPath annotations, GeoJSON)" in out
    code, out, _ = run(capsys, tmp_path / "q_source.geojson", tmp_path / "q_target.geojson", tmp_path / "b.csv", "--to",
                       "bigwarp")
    assert code == 0
    np.testing.assert_allclose(read_pairs(tmp_path / "b.csv").source,
                               read_pairs(beads).source - 0.5)  # from the corner to the centre
    code, out, _ = run(capsys, beads, tmp_path / "n.csv", "--to", "napari", "--space", "target")
    assert code == 0 and "7 points of" in out
    np.testing.assert_array_equal(read_points(tmp_path / "n.csv").points, read_pairs(beads).target)


def test_convert_pixels_to_lengths_and_back(tmp_path: Path, beads: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, beads, tmp_path / "e.xml", "--source-unit", "µm", "--source-pixel", "0.1", "--target-unit", "nm",
                         "--target-pixel", "5,5")
    assert (code, err) == (0, ""), err
    lengths = read_pairs(tmp_path / "e.xml")
    np.testing.assert_allclose(lengths.source, 0.1 * read_pairs(beads).source)
    np.testing.assert_allclose(lengths.target, 0.005 * read_pairs(beads).target)
    code, _, err = run(capsys, tmp_path / "e.xml", tmp_path / "r.zip", "--source-pixel", "0.1", "--target-pixel", "0.005")
    assert code == 0, err
    np.testing.assert_allclose(read_points(tmp_path / "r_source.zip", origin="centre").points, read_pairs(beads).source,
                               rtol=1e-5)


def test_convert_to_transformations(tmp_path: Path, beads: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = fit(read_pairs(beads), "similarity", "target")
    code, out, _ = run(capsys, beads, tmp_path / "t.tfm", "--model", "similarity", "--noise", "target")
    assert code == 0 and "target to source, for resampling" in out
    np.testing.assert_allclose(read_transform(tmp_path / "t.tfm").homogeneous, result.transform.homogeneous, rtol=1e-9, atol=1e-9)
    code, out, _ = run(capsys, beads, tmp_path / "r.json", "--model", "similarity", "--noise", "target")
    assert code == 0 and "with the covariance of the parameters" in out
    np.testing.assert_allclose(load(tmp_path / "r.json").transform.homogeneous, result.transform.homogeneous)
    code, out, _ = run(capsys, tmp_path / "r.json", tmp_path / "n.json", "--to", "ngff")
    assert code == 0 and "source to target, and the inverse" in out
    code, out, _ = run(capsys, tmp_path / "t.tfm", tmp_path / "n2.json", "--to", "ngff")
    assert code == 0
    for name in ("n.json", "n2.json"):
        np.testing.assert_allclose(read_transform(tmp_path / name).homogeneous, result.transform.homogeneous, rtol=1e-9,
                                   atol=1e-9)


def test_transformations_count_from_the_centre(tmp_path: Path, beads: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of saved pairs that count from the corner too; what is left out moves with them."""
    known = replace(read_pairs(beads), source_origin="corner", target_origin="centre").drop("3")
    fit(known).save(tmp_path / "r.json")
    code, _, _ = run(capsys, tmp_path / "r.json", tmp_path / "t.tfm")
    assert code == 0
    mapped = read_transform(tmp_path / "t.tfm").apply(known.source - 0.5)
    np.testing.assert_allclose(mapped, fit(known).transform.apply(known.source), rtol=1e-9)
    run(capsys, tmp_path / "r.json", tmp_path / "s.json")
    pairs = load(tmp_path / "s.json").pairs
    assert (pairs.source_origin, pairs.target_origin) == ("centre", "centre")
    assert pairs.unused[0].source == tuple((read_pairs(beads).source[2] - 0.5).tolist())
    code, _, err = run(capsys, tmp_path / "r.json", tmp_path / "p.csv")
    assert (code, err) == (0, "") and read_pairs(tmp_path / "p.csv").to_dict() == known.to_dict()
    code, _, err = run(capsys, tmp_path / "p.csv", tmp_path / "n.csv", "--to", "napari", "--space", "source")
    assert (code, err) == (0, "")
    np.testing.assert_array_equal(read_points(tmp_path / "n.csv").points[:-1], known.source - 0.5)


def test_a_gate_goes_with_its_table(tmp_path: Path, beads: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_pairs(replace(read_pairs(beads), gate=0.9), tmp_path / "g.csv")
    run(capsys, tmp_path / "g.csv", tmp_path / "h.csv")
    assert read_pairs(tmp_path / "h.csv").gate == 0.9
    run(capsys, tmp_path / "g.csv", tmp_path / "r.json")
    assert load(tmp_path / "r.json").noise.gate == 0.9 == read_pairs(tmp_path / "r.json").gate
    code, _, err = run(capsys, tmp_path / "g.csv", tmp_path / "q.geojson")
    assert code == 0 and "(register them with --gate 0.9)" in err
    code, _, err = run(capsys, tmp_path / "g.csv", tmp_path / "s.csv", "--space", "source")
    assert (code, err) == (0, "") and "gate" not in (tmp_path / "s.csv").read_text()


@pytest.mark.parametrize(("arguments", "message"), [
    (["beads.csv"], "the number of files is 1"),
    (["a", "b", "c", "d.csv"], "the number of files is 4"),
    (["beads.csv", "beads.csv"], "is both read and written"),
    (["beads.csv", "out.xyz"], "does not say which format to write"),
    (["beads.csv", "out.csv", "--space", "left"], "--space is 'left': give source or target"),
    (["beads.csv", "out.zip", "--source-pixel", "wide", "--source-unit", "nm"], "the pixel size 'wide' is no number"),
    (["beads.csv", "out.zip", "--source-pixel", "2"], "has no unit: give the unit too"),
    (["one.csv", "out.tfm"], "a transformation needs pairs"),
    (["one.csv", "out.csv", "--space", "source"], "holds points of one space: leave out --space"),
    (["one.csv", "out.xml"], "the format ecclem holds pairs"),
    (["nothing.csv", "out.csv"], "there is no such file"),
    (["beads.csv", "one.csv"], "already exists"),
])
def test_convert_refuses_in_one_sentence(tmp_path: Path, beads: Path, capsys: pytest.CaptureFixture[str], arguments: list[str],
                                         message: str) -> None:
    (tmp_path / "one.csv").write_text("x,y\n1,2\n3,4\n")
    before = {path.name for path in tmp_path.iterdir()}
    code, out, err = run(capsys, *(one if one.startswith("-") or "." not in one else tmp_path / one for one in arguments))
    assert (code, out) == (2, "") and message in err and err.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} == before


def test_each_writer_is_found_by_name_and_some_by_ending() -> None:
    assert set(WRITERS) == {*PAIR_FORMATS, *POINT_FORMATS, "itk", "ngff", "json"}
    assert {end: writer_of(f"a{end}").name for end in (".csv", ".xml", ".fcsv", ".mrk.json", ".zip", ".GeoJSON", ".tfm",
                                                       ".json")} == {
        ".csv": "table", ".xml": "ecclem", ".fcsv": "fcsv", ".mrk.json": "slicer", ".zip": "imagej", ".GeoJSON": "qupath",
        ".tfm": "itk",
        ".json": "json"}


# Regions


@pytest.fixture
def targets(tmp_path: Path) -> Path:
    path = tmp_path / "targets.csv"
    path.write_text("name,x,y\ninside,250,250\nedge,490,20\n")
    return path


def area(corners: np.ndarray) -> float:
    """Of a polygon (k, 2), by the shoelace formula."""
    x, y = corners.T
    return float(abs((x * np.roll(y, -1) - y * np.roll(x, -1)).sum()) / 2)


@pytest.mark.parametrize("name", ["qupath", "imagej", "napari"])
def test_outlines_have_the_area_of_the_regions(tmp_path: Path, beads: Path, targets: Path, capsys: pytest.CaptureFixture[str],
                                               name: str) -> None:
    code, out, err = run(capsys, beads, tmp_path / "out", "--to", name, "--regions", targets, "--level", "0.9", "--kind", "lre",
                         "--model", "affine")
    assert (code, err) == (0, "") and out.startswith("2 90 % regions (lre) of the targets in")
    corners = {"qupath": qupath_outlines, "imagej": imagej_outlines, "napari": napari_outlines}[name](tmp_path / "out")
    region = fit(read_pairs(beads), "affine").predict([[250.0, 250.0], [490.0, 20.0]], kind="lre").region(level=0.9)
    np.testing.assert_allclose([area(one) for one in corners], region.volume, rtol=0.01)
    np.testing.assert_allclose([one.mean(0) for one in corners], region.prediction.mean, atol=0.2)


def qupath_outlines(path: Path) -> list[np.ndarray]:
    features = json.loads(path.read_text(encoding="utf-8"))["features"]
    assert [f["properties"]["name"] for f in features] == ["inside", "edge"]
    rings = [np.array(f["geometry"]["coordinates"][0]) for f in features]
    assert all(np.array_equal(ring[0], ring[-1]) for ring in rings)
    return [ring[:-1] for ring in rings]


def imagej_outlines(path: Path) -> list[np.ndarray]:
    import roifile

    path.rename(path.with_suffix(".zip"))
    rois = roifile.roiread(path.with_suffix(".zip"))
    path.with_suffix(".zip").rename(path)
    assert [(roi.name, roi.roitype.name) for roi in rois] == [("inside", "POLYGON"),
                                                              ("edge", "POLYGON")]  # type: ignore[union-attr]
    return [np.array(roi.coordinates(), float) for roi in rois]  # type: ignore[union-attr]


def napari_outlines(path: Path) -> list[np.ndarray]:
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    assert {row["shape-type"] for row in rows} == {"polygon"}
    return [np.array([[float(row["axis-1"]), float(row["axis-0"])] for row in rows if row["index"] == k]) for k in ("0", "1")]


def test_outlines_of_lengths_need_the_pixel_size(tmp_path: Path, beads: Path) -> None:
    pairs = read_pairs(beads)
    lengths = fit(FiducialPairs(pairs.source, 10 * pairs.target, target_unit="nm"), "affine")
    pixels = fit(pairs, "affine")
    where = [[250.0, 250.0]]
    with pytest.raises(InputError, match="the target is in nm, and the format qupath takes pixels: give the pixel size in nm"):
        write_regions(lengths.predict(where, kind="tre").region(), tmp_path / "a.geojson")
    assert write_regions(lengths.predict(where, kind="tre").region(), tmp_path / "a.geojson", pixel_size=10.0, names=["one"]) == 1
    write_regions(pixels.predict(where, kind="tre").region(), tmp_path / "b.geojson", origin="centre")
    one, other = (np.array(json.loads((tmp_path / name).read_text())["features"][0]["geometry"]["coordinates"][0])
                  for name in ("a.geojson", "b.geojson"))
    np.testing.assert_allclose(one, other, rtol=1e-6)


def test_regions_that_have_no_outline(tmp_path: Path, beads: Path) -> None:
    source = RNG.uniform(0, 100, (8, 3))
    solid = fit(FiducialPairs(source, source + RNG.normal(size=(8, 3))))
    with pytest.raises(UnsupportedError, match="regions in 3D have no outline"):
        write_regions(solid.predict(source, kind="tre").region(), tmp_path / "a.geojson")
    region = fit(read_pairs(beads)).predict([[1.0, 2.0]], kind="tre").region()
    with pytest.raises(InputError, match="regions are written as qupath, imagej, napari, and not as table"):
        write_regions(region, tmp_path / "a.csv")
    with pytest.raises(InputError, match="there are 2 names for 1 targets"):
        write_regions(region, tmp_path / "a.geojson", names=["a", "b"])
    line = np.column_stack([np.linspace(0, 100, 6), RNG.normal(scale=0.01, size=6)])
    noisy = FiducialPairs(line, line + RNG.normal(scale=2.0, size=(6, 2)))
    loose = fit(noisy, "affine").predict([[50.0, 900.0]], kind="tre").region()
    assert not loose.bounded.any()
    with pytest.warns(RegistrationWarning, match="the regions of '1' are not bounded and have no outline"):
        assert write_regions(loose, tmp_path / "u.geojson") == 0


def test_targets_from_another_corner_are_told_or_moved(tmp_path: Path, beads: Path, capsys: pytest.CaptureFixture[str]) -> None:
    roi = tmp_path / "t.geojson"
    write_points(Points(np.array([[250.0, 250.0]]), ("one",), "px", origin="centre"), roi)
    code, _, err = run(capsys, beads, tmp_path / "a.geojson", "--regions", roi)
    assert code == 0 and "they may be half a pixel apart" in err  # this table does not say from where it counts
    write_pairs(replace(read_pairs(beads), source_origin="centre"), tmp_path / "told.csv")
    code, _, err = run(capsys, tmp_path / "told.csv", tmp_path / "c.geojson", "--regions", roi)
    assert code == 0 and "the former are shifted by -0.5 px along x and y" in err
    run(capsys, beads, tmp_path / "p.geojson")
    code, _, err = run(capsys, tmp_path / "p_source.geojson", tmp_path / "p_target.geojson", tmp_path / "b.geojson",
                         "--regions", roi)
    assert (code, err) == (0, "")
    ring = np.array(json.loads((tmp_path / "b.geojson").read_text())["features"][0]["geometry"]["coordinates"][0])
    pairs = read_pairs(tmp_path / "p_source.geojson", tmp_path / "p_target.geojson")
    np.testing.assert_allclose(ring[:-1].mean(0), fit(pairs).transform.apply([[250.5, 250.5]])[0],
                               atol=0.05)  # corners throughout


def test_a_stage_is_turned_for_images_alone(tmp_path: Path) -> None:
    points = Points(np.array([[1.0, 2.0], [3.0, 5.0]]), ("a", "b"), "µm", upward=True)
    with pytest.warns(RegistrationWarning, match="y grows upwards in the points, and downwards in the format napari"):
        write_points(points, tmp_path / "n", "napari")
    np.testing.assert_array_equal(read_points(tmp_path / "n").points, [[1, -2], [3, -5]])
    write_points(points, tmp_path / "t", "table")
    np.testing.assert_array_equal(read_points(tmp_path / "t").points, points.points)

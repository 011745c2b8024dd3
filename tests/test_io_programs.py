"""Each format: a small file says what it should, and damaged or foreign ones are refused in a sentence."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from io_examples import (
    EXAMPLES,
    P2,
    P3,
    Q2,
    SIZES,
    TRANSFORMS,
    Example,
    archive,
    as_json,
    control,
    icy,
    icy_point,
    imod,
    locs,
    roi,
    shapes,
    text,
    tiff,
    xml,
)

from regerr.errors import InputError, MissingExtraError, RegistrationWarning
from regerr.io import Points, read_pairs, read_points, read_transform
from regerr.io.document import open_document
from regerr.io.formats import ALL, opened, reader_of, transform_reader_of


def quiet(read: object, *paths: Path, **more: object) -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RegistrationWarning)
        return read(*paths, **more)  # type: ignore[operator]


def written(tmp_path: Path, content: bytes, name: str = "file") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


def test_each_format_has_an_example() -> None:
    assert {one.__name__.rpartition(".")[2] for one in ALL} == {*EXAMPLES, *TRANSFORMS}


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_file_is_recognised_by_its_content(tmp_path: Path, name: str) -> None:
    document = opened(open_document(written(tmp_path, EXAMPLES[name].content)))
    expected = "plain" if name == "workbook" else name
    assert reader_of(document).__name__ == f"regerr.io.{expected}"


@pytest.mark.parametrize("name", [name for name, one in EXAMPLES.items() if one.target is None])
def test_points_of_one_space(tmp_path: Path, name: str) -> None:
    one = EXAMPLES[name]
    found = quiet(read_points, written(tmp_path, one.content))
    assert isinstance(found, Points)
    np.testing.assert_allclose(found.points, one.source, rtol=1e-7)
    assert (found.names, found.unit, found.frame, found.origin, found.upward) == (one.names, one.unit, one.frame, one.origin,
                                                                                  one.upward)
    check_rest(one, found.covariance, found.unused)


@pytest.mark.parametrize("name", [name for name, one in EXAMPLES.items() if one.target is not None])
def test_pairs(tmp_path: Path, name: str) -> None:
    one = EXAMPLES[name]
    found = quiet(read_pairs, written(tmp_path, one.content))
    np.testing.assert_array_equal(found.source, one.source)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(found.target, one.target)  # type: ignore[attr-defined]
    assert (found.names, found.source_unit) == (one.names, one.unit or "px")  # type: ignore[attr-defined]
    check_rest(one, found.source_covariance, found.unused)  # type: ignore[attr-defined]


def check_rest(one: Example, covariance: np.ndarray | None, unused: tuple[object, ...]) -> None:
    assert tuple(u.reason for u in unused) == one.unused  # type: ignore[attr-defined]
    assert (covariance is None) == (one.sd is None)
    if covariance is not None:
        np.testing.assert_allclose(covariance[0], np.diag(one.sd) ** 2, rtol=1e-6)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transformations(tmp_path: Path, name: str) -> None:
    content, image = TRANSFORMS[name]
    path = written(tmp_path, content)
    found = read_transform(path, as_stored=True)
    point = [[1.0, 2.0, 3.0][: found.matrix.shape[-1]]]
    np.testing.assert_allclose(found.apply(point), [image], atol=1e-12)
    reader = transform_reader_of(open_document(path))
    assert reader is not None
    if reader.TARGET_TO_SOURCE:
        np.testing.assert_allclose(read_transform(path).apply([image]), point, atol=1e-12)
    with pytest.raises(InputError, match="it holds a transformation"):
        read_pairs(path)


# Frames


def test_what_counts_from_the_corner_is_converted_when_asked(tmp_path: Path) -> None:
    path = written(tmp_path, EXAMPLES["geojson"].content)
    np.testing.assert_array_equal(read_points(path, origin="centre").points, np.array(P2) - 0.5)
    assert read_points(path, origin="centre").origin == "centre"
    np.testing.assert_array_equal(read_points(path, origin="corner").points, P2)
    napari = written(tmp_path, EXAMPLES["napari"].content)
    np.testing.assert_array_equal(read_points(napari, origin="corner").points, np.array(P3) + np.array([0.5, 0.5, 0.0]))
    with pytest.raises(InputError, match="origin is 'middle'"):
        read_points(path, origin="middle")


def test_pixels_become_lengths_by_their_size(tmp_path: Path) -> None:
    path = written(tmp_path, EXAMPLES["napari"].content)
    found = read_points(path, pixel_size=(0.1, 0.1, 0.5), unit="µm")
    np.testing.assert_allclose(found.points, np.array(P3) * (0.1, 0.1, 0.5))
    assert (found.unit, found.origin) == ("µm", "centre")
    corner = read_points(written(tmp_path, EXAMPLES["geojson"].content, "corner"), pixel_size=2, unit="nm")
    np.testing.assert_allclose(corner.points, 2 * (np.array(P2) - 0.5))
    pairs = read_pairs(path, path, source_pixel_size=2.0, source_unit="nm")
    np.testing.assert_allclose(pairs.source, 2 * pairs.target)
    for size, unit, said in ((0.0, "nm", "one positive number, or 3"), ((1.0, 2.0), "nm", "or 3"), (1.0, None, "has no unit")):
        with pytest.raises(InputError, match=said):
            read_points(path, pixel_size=size, unit=unit)
    with pytest.raises(InputError, match="is in mm and not in pixels"):
        read_points(written(tmp_path, EXAMPLES["elastix_points"].content, "mm"), pixel_size=1.0, unit="nm")


def test_a_precision_is_scaled_with_its_point(tmp_path: Path) -> None:
    found = read_points(written(tmp_path, EXAMPLES["trackpy"].content), pixel_size=100.0, unit="nm")
    assert found.covariance is not None
    np.testing.assert_allclose(found.covariance, np.broadcast_to(100.0 * np.eye(2), (2, 2, 2)))


def test_a_stage_and_an_image_meet_with_y_downwards(tmp_path: Path) -> None:
    stage = written(tmp_path, text("AdocVersion = 2.00", "[Item = 1]", "StageXYZ = 1 2 3", "Type = 0", "[Item = 2]",
                                   "StageXYZ = 4 6 3",
                                   "Type = 0"), "stage")
    image = written(tmp_path, text("name,x,y", "1,1,2", "2,3,4"), "image")
    with pytest.warns(RegistrationWarning, match="y grows upwards in .*stage and downwards in .*image"):
        pairs = read_pairs(stage, image)
    np.testing.assert_array_equal(pairs.source, [[1, -2], [4, -6]])


def test_a_volume_against_an_image_is_told(tmp_path: Path) -> None:
    volume = written(tmp_path, text("1.5\t2\t3", "4\t5\t6", "7\t9\t8"), "fm")
    image = written(tmp_path, text("1.5\t2\t0", "4\t5\t0", "7\t9\t0"), "fib")
    with pytest.warns(RegistrationWarning, match="z is the same for all points of .*fib and not in the other file: a projection"):
        read_pairs(volume, image)


def test_slicer_files_of_both_kinds_meet(tmp_path: Path) -> None:
    first, second = (written(tmp_path, EXAMPLES[name].content, name) for name in ("fcsv", "markups_json"))
    with pytest.warns(RegistrationWarning, match="both are converted to LPS"):
        pairs = read_pairs(first, second, partial=True)
    np.testing.assert_array_equal(pairs.target, np.array(P3) * (-1, -1, 1))


# What a format has of its own


def test_picasso_takes_its_pixel_size_from_the_last_document_beside_it(tmp_path: Path) -> None:
    table = locs({"x": [1.5, 30.25], "y": [2.0, 4.0], "z": [3.0, 9.0], "lpx": [0.5, 0.5], "lpy": [0.25, 0.25],
                  "lpz": [20.0, 20.0]})
    path = written(tmp_path, table, "a_locs.hdf5")
    with pytest.raises(InputError, match="camera pixels and its z is nanometres, and no YAML beside it"):
        read_points(path)
    (tmp_path / "a_locs.yaml").write_text("Pixelsize: 160\nCamera: {Pixelsize: 7}\n---\nPixelsize: 130\n")
    with pytest.warns(RegistrationWarning, match="several pixel sizes: the last one, 130 nm"):
        found = read_points(path)
    np.testing.assert_allclose(found.points, [[195, 260, 3], [3932.5, 520, 9]])
    assert found.unit == "nm" and found.covariance is not None
    np.testing.assert_allclose(found.covariance[0], np.diag([65.0, 32.5, 20.0]) ** 2)
    (tmp_path / "a_locs.yaml").write_text("Pixelsize: many\n")
    with pytest.raises(InputError, match="its Pixelsize is 'many'"):
        read_points(path)


def test_3d_localisations_without_a_precision_along_z_count_alike(tmp_path: Path) -> None:
    path = written(tmp_path, text("id,frame,x [nm],y [nm],z [nm],sigma [nm],intensity [photon],uncertainty [nm]",
                                  "1,1,1,2,3,90,900,5"))
    with pytest.warns(RegistrationWarning, match=r"'uncertainty \[nm\]' is the precision along x and y, and none is given "
                                                 r"along z"):
        assert read_points(path).covariance is None


def test_a_thunderstorm_header_in_one_cell(tmp_path: Path) -> None:
    path = written(tmp_path, text('"id,""frame"",""x [um]"",""y [um]"",""sigma [nm]"",""intensity [photon]"",""uncertainty '
                                  '[nm]"""',
                                  "1,1,1.5,2,90,900,50"))
    found = read_points(path)
    np.testing.assert_array_equal(found.points, [[1.5, 2]])
    assert found.unit == "µm" and found.covariance is not None
    np.testing.assert_allclose(found.covariance, [0.0025 * np.eye(2)])


def test_imagej_slices_that_differ_are_z(tmp_path: Path) -> None:
    deep = archive({"a.roi": roi([[1.5, 2]], "a", z=4), "b.roi": roi([[30.25, 4]], "b", z=10)})
    np.testing.assert_array_equal(read_points(written(tmp_path, deep)).points, P3)
    alike = archive({"a.roi": roi([[1.5, 2]], "a", z=4), "b.roi": roi([[30.25, 4]], "b", z=4)})
    np.testing.assert_array_equal(read_points(written(tmp_path, alike)).points, P2)
    np.testing.assert_array_equal(read_points(written(tmp_path, roi(P2, "m"))).points, P2)


def test_an_overlay_without_a_pixel_size_is_in_pixels(tmp_path: Path) -> None:
    found = read_points(written(tmp_path, tiff([roi(P2, "a")])))
    np.testing.assert_array_equal(found.points, P2)
    assert (found.unit, found.origin) == ("px", "corner")


def test_outlines_alone_are_read_by_their_vertices(tmp_path: Path) -> None:
    polygon = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [2, 0], [2, 1], [0, 0]]]},
               "properties": {"name": "cell"}}
    for data in ({"type": "FeatureCollection", "features": [polygon]}, [polygon], polygon):
        found = read_points(written(tmp_path, as_json(data)))
        np.testing.assert_array_equal(found.points, [[0, 0], [2, 0], [2, 1]])
        assert found.names == ("cell 1", "cell 2", "cell 3")


def test_points_of_interest_beside_pairs(tmp_path: Path) -> None:
    np.testing.assert_array_equal(read_points(written(tmp_path, EXAMPLES["fibsem"].content)).points, [[5, 6, 7]])
    np.testing.assert_array_equal(read_points(written(tmp_path, EXAMPLES["tdct"].content)).points, [[7, 8, 9], [9, 8, 7]])


def test_icy_in_pixels_and_in_the_plane(tmp_path: Path) -> None:
    found = read_points(written(tmp_path, icy(icy_point("a", 1.5, 2) + icy_point("b", 30.25, 4))))
    np.testing.assert_array_equal(found.points, P2)
    assert found.unit == "px"
    with pytest.raises(InputError, match="points of the plane and of the volume"):
        read_points(written(tmp_path, icy(icy_point("a", 1, 2) + icy_point("b", 1, 2, 3), SIZES)))


def test_trackmate_names_of_a_person_are_kept(tmp_path: Path) -> None:
    content = EXAMPLES["trackmate_xml"].content.replace(b'name="ID1"', b'name="bead A"')
    assert read_points(written(tmp_path, content)).names == ("bead A", "ID3")


def test_learn2reg_and_dirlab_agree(tmp_path: Path) -> None:
    one = written(tmp_path, text("102.00000,58.00000,111.00000", "2.00000,138.00000,7.00000"), "a")
    other = written(tmp_path, EXAMPLES["voxels"].content, "b")
    np.testing.assert_array_equal(read_points(one).points, read_points(other).points)
    assert read_points(one).unit == "voxel"


def test_serialem_points_without_registration_points(tmp_path: Path) -> None:
    nav = xml('<navigator><Item name="p 1"><Type>0</Type><StageXYZ>1.5 2 3</StageXYZ></Item><Item name="m"><Type>2</Type>'
              "<StageXYZ>1 2 3</StageXYZ></Item></navigator>")
    found = read_points(written(tmp_path, nav))
    assert (found.names, found.unit, found.upward) == (("p 1",), "µm", True)
    assert [u.reason for u in found.unused] == ["a map and not a point"]


def test_an_ngff_bijection_is_read_forwards(tmp_path: Path) -> None:
    affine = {"type": "affine", "affine": [[0, 1, 3], [2, 0, 4]]}
    data = {"attributes": {"ome": {"scene": {"coordinateTransformations": [{"type": "bijection", "forward": affine,
                                                                            "inverse": {}}]}}}}
    np.testing.assert_array_equal(read_transform(written(tmp_path, as_json(data))).apply([[1.0, 2.0]]), [[8, 4]])


# Refusals

BAD: dict[str, tuple[bytes, str]] = {
    "BigWarp JSON, lists that differ": (EXAMPLES["bigwarp_json"].content.replace(b', "d"]', b"]"), "differ in length .*names 3"),
    "BigWarp JSON, a list lacking": (EXAMPLES["bigwarp_json"].content.replace(b'"active"', b'"inactive"'),
                                     "lack the list 'active'"),
    "BigWarp JSON, no point": (EXAMPLES["bigwarp_json"].content.replace(b"[1.5, 2.0]", b"[1.5, true]"), "landmark 1, moving is"),
    "markups, axes that differ": (as_json({"markups": [{"coordinateSystem": s, "controlPoints": [control("a", [1, 2, 3])]}
                                                       for s in ("LPS", "RAS")]}), "its coordinateSystem is 'LPS' and 'RAS'"),
    "markups, a position": (as_json({"markups": [{"controlPoints": [control("a", [1, 2])]}]}),
                            r"point 'a' has the position '\[1, 2\]'"),
    "markups, no list": (as_json({"markups": [{"type": "Curve"}]}), "it holds no point list"),
    "markups, empty": (as_json({"markups": [{"controlPoints": []}]}), "it holds no point"),
    "elastix, a row lacking": (b"point\n3\n1 2\n3 4\n", "says that it holds 3 points and holds 2"),
    "elastix, uneven": (b"point\n2\n1 2\n3 4 5\n", "its rows have 2 or 3 numbers"),
    "transformix, cut": (EXAMPLES["transformix"].content[:-60], "row 2 lacks OutputPoint"),
    "Amira, binary": (b"# AmiraMesh BINARY-LITTLE-ENDIAN 2.0\ndefine Markers 2\n", "save it as ASCII"),
    "Amira, a lattice": (b"# AmiraMesh 3D ASCII 2.0\ndefine Lattice 2 2 2\n", "it holds no set of landmarks"),
    "Amira, cut": (EXAMPLES["amira"].content[:-10], "it says that it holds 2 points, and @2 has 1"),
    "3DCT, a column lacking": (EXAMPLES["tdct"].content.replace(b"\t0\t0\n#", b"\t0\n#"), "has not ten numbers"),
    "fibsem, a pair lacking": (EXAMPLES["fibsem"].content.replace(b'{"point": {"x": 1.5, "y": 2.0, "z": 5.0}, "point_type": '
                                                                  b'"FM"}, ', b""),
                               "it holds 1 fiducials in fluorescence and 2 in the FIB image"),
    "Icy, no point": (icy(icy_point("a", 1, 2, kind="Ellipse")), "none of its ROIs is a point"),
    "Icy, no number": (icy(icy_point("a", 1, 2).replace(">2<", ">two<")), "ROI 'a', y: 'two' is not a finite number"),
    "ImageJ, no point": (archive({"a.roi": roi([[0, 0], [5, 0], [5, 5]], "cell", "POLYGON")}), "it holds no point ROI"),
    "ImageJ, cut": (roi(P2)[:70], "the ROI is damaged"),
    "napari, shapes": (text("index,shape-type,vertex-index,axis-0,axis-1", "0,ellipse,0,1,2"), "it is a shapes layer of napari"),
    "napari, time too": (text("index,axis-0,axis-1,axis-2,axis-3", "0,1,2,3,4"), "its points have 4 axes"),
    "napari, empty": (text("index,axis-0,axis-1"), "it holds a header and no points"),
    "localisations, a precision of 0": (EXAMPLES["trackpy"].content.replace(b"0.1", b"0"), "row 2: a precision is 0"),
    "localisations, a precision whose square is infinite": (EXAMPLES["trackpy"].content.replace(b"0.1", b"1e200"),
                                                            r"row 2: a precision is 1e\+200"),
    "localisations, no number": (EXAMPLES["nanoimager"].content.replace(b"1.5", b"abc"),
                                 r"column X \(nm\): 'abc' is not a finite"),
    "localisations, units": (EXAMPLES["nanoimager"].content.replace(b"Y (nm)", b"Y (um)"),
                             "its coordinates are in different units"),
    "rapidSTORM, a column lacking": (EXAMPLES["rapidstorm"].content.replace(b"0.01 20\n4", b"0.01\n4"),
                                     "row 2 has 3 columns, and 4"),
    "Picasso, another table": (locs({"a": [1.0]}), "has no x and y"),
    "TrackMate, no spots": (xml("<TrackMate><Model/></TrackMate>"), "it holds no spots"),
    "TrackMate, spots lacking": (EXAMPLES["trackmate_xml"].content.replace(b'nspots="3"', b'nspots="4"'),
                                 "says that it holds '4' spots"),
    "GeoJSON, a position": (as_json({"type": "Feature", "geometry": {"type": "Point", "coordinates": ["1", None]}}),
                            "is not a finite number"),
    "GeoJSON, a kind": (as_json({"type": "Feature", "geometry": {"type": "Circle", "coordinates": []}}), "is a 'Circle'"),
    "SerialEM, a map": (text("AdocVersion = 2.00", "[Item = 1]", "Type = 2", "StageXYZ = 1 2 3"),
                        "no registration points and no point"),
    "SerialEM, no stage": (text("AdocVersion = 2.00", "[Item = 1]", "Type = 0", "StageXYZ = 1 2"),
                           "item '1' has the StageXYZ '1 2'"),
    "OME-XML, images alone": (xml("<OME><Image/></OME>"), "it describes images and holds no regions"),
    "LMD, cut shape": (EXAMPLES["leica_lmd"].content.replace(b"<PointCount>1", b"<PointCount>2"),
                       "says that it has 2 points and has 1"),
    "PALM, no unit": (EXAMPLES["palm"].content.replace(b"MICROMETER", b"FURLONG"), "it says no unit"),
    "Warpy, no spline": (as_json({"realTransform_0": {"affinetransform3d": [1.0]}}), "it holds no splines with landmarks"),
    "IMOD, cut": (imod([P3])[:-30], "it ends too early"),
    "IMOD, objects lacking": (imod([P3], objects=2), "says that it holds 2 objects and holds 1"),
    "IMOD, empty": (imod([]), "it holds no points"),
    "TIFF without points": (tiff([]), "it is an image without points"),
    "SpatialData, polygons": (archive({"a/shapes/b/shapes.parquet": shapes(P2, kind=3)}), "not finite|other shapes"),
    "SpatialData, three sets": (archive({f"a/shapes/{k}/shapes.parquet": shapes(P2) for k in "abc"}),
                                "it holds 3 sets of shapes"),
    "SpatialData, uneven": (archive({"a/shapes/b/shapes.parquet": shapes(P2), "a/shapes/c/shapes.parquet": shapes(Q2[:1])}),
                            "have different numbers of points"),
    "another archive": (archive({"readme": b""}), "it is a zip archive without ROIs, a workbook or landmarks"),
    "JSON that is cut": (b'{"markups": [', "it starts like JSON and is damaged .line 1, column 14"),
    "a damaged registration": (as_json({"regerr": "0.1.0", "pairs": {"source": [[1, 2]], "target": [[1, None]], "names": 5}}),
                               "its pairs are damaged"),
    "other JSON": (b'{"a": 1}', "it is JSON of no kind that is read here"),
}


@pytest.mark.parametrize("case", BAD)
def test_damaged_and_foreign_files(tmp_path: Path, case: str) -> None:
    content, said = BAD[case]
    path = written(tmp_path, content)
    for read in (read_pairs,) if "fibsem" in case else (read_pairs,
                                                        read_points):  # whose points of interest are read all the same
        with pytest.raises(InputError, match=said) as caught:
            quiet(read, path)
        assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value) and len(str(caught.value)) < 500


BAD_TRANSFORMS: dict[str, tuple[bytes, str]] = {
    "a table": (b"x,y\n1,2\n", "it is no transformation that is read here"),
    "ITK, another kind": (TRANSFORMS["itk_transform"][0].replace(b"Affine", b"BSpline"),
                          "is a BSplineTransform, which is not read"),
    "ITK, a parameter lacking": (TRANSFORMS["itk_transform"][0].replace(b" 5 6", b" 5"),
                                 "has 5 parameters, where 6 are expected"),
    "ITK, no number": (TRANSFORMS["itk_transform"][0].replace(b" 5 6", b" 5 x"), "Parameters: 'x' is not a finite number"),
    "ITK, nothing": (b"#Insight Transform File V1.0\n", "it holds no transformation"),
    "ITK, without an inverse": (TRANSFORMS["itk_transform"][0].replace(b"0 1 -1 0", b"1 1 1 1"), "has no inverse"),
    "ITK, mixed": (text("#Insight Transform File V1.0", "Transform: CompositeTransform_double_2_2",
                        "Transform: TranslationTransform_double_2_2", "Parameters: 1 2",
                        "Transform: TranslationTransform_double_3_3",
                        "Parameters: 1 2 3"), "its parts are 2D and 3D"),
    "elastix, a chain": (TRANSFORMS["elastix_transform"][0].replace(b"NoInitialTransform", b"a.txt"),
                         "it continues another file"),
    "elastix, another kind": (TRANSFORMS["elastix_transform"][0].replace(b"Euler", b"BSpline"), "is a BSplineTransform"),
    "ec-CLEM, an entry lacking": (TRANSFORMS["ecclem_matrix"][0].replace(b'm11="2"', b""), "m11: '' is not a finite number"),
    "ec-CLEM, a projection": (TRANSFORMS["ecclem_matrix"][0].replace(b'm30="0"', b'm30="1"'), "last row of its matrix"),
    "NGFF, displacements": (as_json({"coordinateTransformations": [{"type": "displacements", "path": "x"}]}),
                            "type 'displacements'"),
    "NGFF, rows that differ": (as_json({"coordinateTransformations": [{"type": "affine", "affine": [[1, 2, 3], [4, 5]]}]}),
                               "give rows of equal length"),
    "NGFF, a shape": (as_json({"coordinateTransformations": [{"type": "affine", "affine": [[1, 2], [3, 4]]}]}),
                      r"has the shape \(2, 2\)"),
    "NGFF, five axes": (as_json({"coordinateTransformations": [{"type": "scale", "scale": [1, 1, 1, 1, 1]}]}), "has 5 axes"),
    "NGFF, empty": (as_json({"coordinateTransformations": []}), "which is not read|no transformation"),
}


@pytest.mark.parametrize("case", BAD_TRANSFORMS)
def test_damaged_and_foreign_transformations(tmp_path: Path, case: str) -> None:
    content, said = BAD_TRANSFORMS[case]
    path = written(tmp_path, content)
    with pytest.raises(InputError, match=said) as caught:
        read_transform(path)
    assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "library"), [("imagej", "roifile"), ("picasso", "h5py"), ("tiff_overlay", "tifffile"),
                                               ("workbook", "python_calamine"), ("spatialdata", "pyarrow.parquet")])
def test_a_library_that_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, library: str) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingExtraError, match=r"which is not installed: install it with pip install 'regerr\[io\]'"):
        read_points(written(tmp_path, EXAMPLES[name].content))


def test_no_optional_library_is_loaded_for_text(tmp_path: Path) -> None:
    path = written(tmp_path, EXAMPLES["bigwarp"].content)
    code = (f"import sys, regerr\nregerr.read_pairs({str(path)!r})\n"
            "slow = {'roifile', 'h5py', 'tifffile', 'python_calamine', 'pyarrow'}\nprint(slow & set(sys.modules) or 'none')")
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "none"

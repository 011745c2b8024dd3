"""BigWarp, ec-CLEM and 3D Slicer files: small ones written here, real ones where the measured data lie."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from regerr.errors import InputError, RegistrationWarning
from regerr.io import read_pairs, read_points

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a text into a file whose name says nothing."""
    def writer(text: str, name: str = "points.txt") -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode("utf-8"))
        return path
    return writer


# BigWarp


BIGWARP = '''"Pt-0","true","1.5","2.0","11.0","12.0"
"Pt-1","false","3.0","4.0","13.0","14.0"
"Pt-4","true","5.0","7.0","15.0","17.0"
"Pt-5","false","6.0","7.0","Infinity","Infinity"
"Pt-7","true","-Infinity","7.0","1.0","2.0"
'''


@pytest.mark.parametrize("text", [BIGWARP, BIGWARP.replace('"', "").replace("true", "TRUE").replace("false", "FALSE"),
                                  BIGWARP.replace('"', "").replace(",", ";").replace(".", ",").replace("true", "True"),
                                  BIGWARP.replace("\n", "\r\n").replace(",", "\t")])
def test_bigwarp(write: Write, text: str) -> None:
    pairs = read_pairs(write(text))
    np.testing.assert_array_equal(pairs.source, [[1.5, 2], [5, 7]])
    np.testing.assert_array_equal(pairs.target, [[11, 12], [15, 17]])
    assert pairs.names == ("Pt-0", "Pt-4")
    assert [(u.name, u.reason, u.source, u.target) for u in pairs.unused] == [
        ("Pt-1", "disabled in the file", (3.0, 4.0), (13.0, 14.0)),
        ("Pt-5", "not placed in the target", (6.0, 7.0), None),
        ("Pt-7", "not placed in the source", None, (1.0, 2.0))]
    assert pairs.source_unit == "unit"  # BigWarp writes physical coordinates and no unit
    assert read_pairs(write(text), target_unit="nm").target_unit == "nm"


def test_bigwarp_3d_allows_repeated_names_and_drops_copies(write: Write) -> None:
    text = '"a","true","1","2","3","4","5","6"\n"a","true","1","2","4","4","5","7"\n"a","true","1.0","2","3.00","4","5","6"\n'
    pairs = read_pairs(write(text))
    assert pairs.dimension == 3 and pairs.names == ("a (row 1)", "a (row 2)")
    assert [(u.name, u.reason) for u in pairs.unused] == [("a (row 3)", "repeats row 1")]
    with pytest.raises(InputError, match=r"pairs 'a' and 'b' are equal in both spaces"):
        read_pairs(write('"a","true","1","2","3","4"\n"b","true","1","2","3","4"\n'))


def test_bigwarp_faults(write: Write) -> None:
    with pytest.raises(InputError, match=r"row 3 has 5 columns where the first row has 6; row 2, column 4: 'x' is not a number"):
        read_pairs(write('"a","true","1","2","3","4"\n"b","true","1","x","3","4"\n"c","true","1","2","3"\n"d","true","1","7","3","4"\n'))
    with pytest.raises(InputError, match="it holds no pair to use"):
        read_pairs(write('"a","false","1","2","3","4"\n'))


# ec-CLEM


def dataset(points: list[list[float]]) -> str:
    d = len(points[0])
    header = ",".join(["id", "dimension_1", "dimension_2", "dimension_3"][: d + 1])
    return "".join(f"{row}\r\n" for row in [header, *(",".join(map(str, [i, *x])) for i, x in enumerate(points))])


def schema(source: list[list[float]], target: list[list[float]], date: str = "2021-03-04T10:20:30.1+01:00[Europe/Paris]") -> str:
    def points(side: str, rows: list[list[float]]) -> str:
        cells = ["".join(f'<coordinate dimension="{k}">{v}</coordinate>' for k, v in enumerate(row)) for row in rows]
        inner = "".join(f'<point id="{i}">{cell}</point>' for i, cell in enumerate(cells))
        return f'<dataset dimension="{len(rows[0])}" n="{len(rows)}" pointType="FIDUCIAL" type="{side}">{inner}</dataset>'
    return f'<transformation date="{date}" type="RIGID">{points("source", source)}{points("target", target)}</transformation>'


def document(*transformations: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n<root>{"".join(transformations)}</root>'


A = [[1.0, 2.0, 3.0], [4.0, 5.0, 7.0], [0.5, 0.0, 1.0]]
B = [[2.0, 2.0, 3.0], [5.0, 5.0, 7.5], [1.5, 0.0, 1.0]]


def test_ecclem_data_sets(write: Write) -> None:
    pairs = read_pairs(write(dataset(A), "a"), write(dataset(B), "b"))
    np.testing.assert_array_equal(pairs.source, A)
    np.testing.assert_array_equal(pairs.target, B)
    assert (pairs.names, pairs.source_unit, pairs.target_unit) == (("0", "1", "2"), "µm", "µm")
    points = read_points(write(dataset(A)))
    assert points.unit == "µm" and points.points.shape == (3, 3)
    assert read_points(write(dataset([[1.0, 2.0]]))).points.shape == (1, 2)


def test_ecclem_schema_reads_the_newest_transformation(write: Write) -> None:
    pairs = read_pairs(write(document(schema(A, B))))
    np.testing.assert_array_equal(pairs.target, B)
    assert (pairs.names, pairs.source_unit) == (("0", "1", "2"), "µm")
    with pytest.warns(RegistrationWarning, match=r"holds 2 transformations: the last one \(2022\) is read"):
        pairs = read_pairs(write(document(schema(A, A, "2020"), schema(A, B, "2022"))))
    np.testing.assert_array_equal(pairs.target, B)


def test_ecclem_pads_2d_with_a_constant_z(write: Write) -> None:
    flat = [[*x[:2], 0.0] for x in A]
    with pytest.warns(RegistrationWarning, match="z is the same for all points of each space, so they are read as 2D"):
        assert read_pairs(write(document(schema(flat, flat[::-1])))).dimension == 2
    with pytest.warns(RegistrationWarning, match="read as 2D"):
        assert read_pairs(write(dataset(flat), "a"), write(dataset(flat[::-1]), "b")).dimension == 2
    assert read_pairs(write(document(schema(flat, B)))).dimension == 3


BOMB = '<?xml version="1.0"?>\n<!DOCTYPE root [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>\n<root>&b;</root>'


@pytest.mark.parametrize(("text", "message"), [
    (BOMB, "declares a document type or entities"),
    (BOMB.replace("DOCTYPE", "doctype"), "declares a document type or entities"),
    ("<root><transformation>", "starts like XML and is damaged"),
    ("<svg></svg>", "it is XML of no kind that is read here .it starts with '<svg>'"),
    (document('<MatrixTransformation m00="1"/>'), "it holds a transformation .ec-CLEM matrix. and no points"),
    (document("<transformation><dataset type='source'/></transformation>"), "it holds no source points"),
    (document(schema(A, B).replace(' n="3"', ' n="4"', 1)), "says n = 4 and holds 3 points: the file is incomplete"),
    (document(schema(A, B).replace(">5.0<", ">five<", 1)), "source point '1', coordinate 1: 'five' is not a finite number"),
    (document(schema(A, B).replace(">5.0<", ">NaN<", 1)), "'NaN' is not a finite number"),
    (document(schema(A, B[:2])), "point id '2' is only in the source"),
    (document(schema(A, [x[:2] for x in B])), "source is 3D and target is 2D"),
    (document(schema(A, [B[0], B[1][:2], B[2]])), "its target points have 2 or 3 coordinates"),
])
def test_other_xml_is_refused(write: Write, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_pairs(write(text))


def test_a_schema_holds_no_targets(write: Write) -> None:
    with pytest.raises(InputError, match=r"it holds pairs \(ec-CLEM transformation schema\)"):
        read_points(write(document(schema(A, B))))


# 3D Slicer


def fcsv(rows: str, frame: str = "0", columns: str = "id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID") -> str:
    return f"# Markups fiducial file version = 4.6\n# CoordinateSystem = {frame}\n# columns = {columns}\n{rows}"


ROWS = ("n_0,1,2,3,6.4e-316,0,0,1,1,1,0,AC,anterior,v\nn_1,4,5,6,0,0,0,1,1,0,0,PC,,v\nn_2,7,8,9,0,0,0,1,0,1,0,L,,v\n"
        "n_3,7,8,8,0,0,0,1,1,1,0,R,,v\n")


def test_slicer_points(write: Write) -> None:
    points = read_points(write(fcsv(ROWS)))
    np.testing.assert_array_equal(points.points, [[1, 2, 3], [7, 8, 8]])
    assert (points.names, points.unit, points.frame) == (("AC", "R"), "mm", "RAS")
    assert [(u.name, u.reason) for u in points.unused] == [("PC", "not selected in the file (sel = 0)"),
                                                           ("L", "hidden in the file (vis = 0)")]
    np.testing.assert_array_equal(read_points(write(fcsv(ROWS)), frame="LPS").points, [[-1, -2, 3], [-7, -8, 8]])
    assert read_points(write(fcsv(ROWS, "LPS"))).frame == "LPS"
    assert read_points(write(fcsv(ROWS, "2"))).unit == "voxel"


def test_slicer_columns_are_read_from_the_file(write: Write) -> None:
    points = read_points(write(fcsv("AC,3,2,1\nPC,6,5,4\n", "1", "label,z,y,x")))
    np.testing.assert_array_equal(points.points, [[1, 2, 3], [4, 5, 6]])
    odd = read_points(write(fcsv("n_0,1,2,3,0,0,0,1,1,1,0,left, upper,desc,v\n").replace("\n", "\r\n")))
    assert odd.names == ("left, upper",)
    np.testing.assert_array_equal(odd.points, [[1, 2, 3]])


def test_slicer_files_are_joined_by_label_whatever_the_order(write: Write) -> None:
    shuffled = "".join(f"{row}\n" for row in reversed(ROWS.splitlines()))
    pairs = read_pairs(write(fcsv(ROWS), "a"), write(fcsv(shuffled), "b"))
    np.testing.assert_array_equal(pairs.source, pairs.target)
    assert pairs.names == ("AC", "R") and {u.name for u in pairs.unused} == {"PC", "L"}


def test_different_patient_axes_meet_in_lps(write: Write) -> None:
    a, b = write(fcsv(ROWS, "RAS"), "a"), write(fcsv(ROWS, "LPS"), "b")
    with pytest.warns(RegistrationWarning, match="both are converted to LPS"):
        pairs = read_pairs(a, b)
    np.testing.assert_array_equal(pairs.source, [[-1, -2, 3], [-7, -8, 8]])
    np.testing.assert_array_equal(pairs.target, [[1, 2, 3], [7, 8, 8]])
    assert read_pairs(a, a).source[0, 0] == 1.0
    with pytest.raises(InputError, match="save both in RAS or LPS"):
        read_pairs(a, write(fcsv(ROWS, "IJK"), "c"))
    with pytest.raises(InputError, match="only RAS and LPS can be converted"):
        read_points(write(fcsv(ROWS, "IJK"), "c"), frame="RAS")


@pytest.mark.parametrize(("text", "message"), [
    (fcsv(ROWS).replace("# CoordinateSystem = 0\n", ""), "its CoordinateSystem is not stated"),
    (fcsv(ROWS, "LAS"), "its CoordinateSystem is LAS"),
    (fcsv(ROWS, columns="id,x,y,vis,sel"), "its columns line lacks 'z'; its columns line lacks 'label'"),
    (fcsv(""), "it holds no point"),
    (fcsv("n,1,two,3,0,0,0,1,1,1,0,AC\nn,1,2,nan,0,0,0,1,1,1,0,PC\nn,1\n"),
     "row 4, column y: 'two' is not a finite number; row 5, column z: 'nan' is not a finite number; row 6, column y: ''"),
])
def test_slicer_faults(write: Write, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_points(write(text))


# Real files of other programs


def test_sample_files_hold_what_is_expected(shared_data: Path) -> None:
    folder = shared_data / "formats"
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    readable = [name for name in expected if name.startswith("bigwarp_")]
    assert len(readable) == 4
    for name in readable:
        facts = expected[name]
        pairs = read_pairs(folder / name)
        assert (pairs.n, pairs.dimension) == (facts["n"], facts["d"])
        np.testing.assert_array_equal(pairs.source[[0, -1]], [facts["source_first"], facts["source_last"]])
        np.testing.assert_array_equal(pairs.target[[0, -1]], [facts["target_first"], facts["target_last"]])
    pairs = read_pairs(folder / "birl_anhir_moving_affine.csv", folder / "birl_anhir_reference.csv")
    facts = expected["birl_anhir_moving_affine.csv + birl_anhir_reference.csv"]
    np.testing.assert_array_equal(pairs.source[[0, -1]], [facts["source_first"], facts["source_last"]])
    np.testing.assert_array_equal(pairs.target[[0, -1]], [facts["target_first"], facts["target_last"]])
    points, facts = read_points(folder / "slicer_afids_template_ras.fcsv"), expected["slicer_afids_template_ras.fcsv"]
    np.testing.assert_array_equal(points.points[[0, -1]], [facts["first"], facts["last"]])


def test_disabled_and_respelt_bigwarp_samples(shared_data: Path) -> None:
    folder = shared_data / "formats"
    pairs = read_pairs(folder / "constructed_bigwarp_disabled_pending.csv")
    assert pairs.names == ("Pt-0", "Pt-1", "Pt-3", "Pt-4", "Pt-5") and [u.name for u in pairs.unused] == ["Pt-2", "Pt-6"]
    excel = read_pairs(folder / "constructed_bigwarp_excel.csv")
    np.testing.assert_allclose(excel.source, pairs.source, atol=5e-7)
    np.testing.assert_allclose(excel.target, pairs.target, atol=5e-7)
    xml = read_pairs(folder / "constructed_ecclem_v2_transformation_schema.xml")
    assert xml.n == 6 and xml.source_unit == "µm"
    table = read_pairs(folder / "constructed_plain_pairs_semicolon_decimal_comma.csv")
    assert table.n == 5 and table.names[0] == "Pt-0" and table.source[1, 1] == 42.906 and table.source_covariance is not None


def test_what_ecclem_wrote_holds_the_same_points_twice(shared_data: Path) -> None:
    folder = shared_data / "ecclem_reference"
    schema_ = read_pairs(folder / "written_by_ecclem.transformation_schema.xml")
    tables = read_pairs(folder / "written_by_ecclem_source.csv", folder / "written_by_ecclem_target.csv")
    assert schema_.to_dict() == tables.to_dict() and schema_.n == 7


def test_every_other_sample_is_read_or_refused_in_a_sentence(shared_data: Path) -> None:
    """Formats that are not read yet, binary files, pictures: none of them ends in a traceback."""
    sentences = [said for path in sorted((shared_data / "formats").iterdir()) for read in (read_pairs, read_points)
                 if (said := refusal(read, path))]
    assert len(sentences) > 50
    assert all(str(shared_data) in said and "\n" not in said for said in sentences)


def refusal(read: Callable[[Path], object], path: Path) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RegistrationWarning)
            read(path)
    except InputError as said:
        return str(said)
    return ""

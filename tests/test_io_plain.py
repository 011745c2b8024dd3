"""Plain tables: separators, headers, units, switches, standard deviations."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from regerr.errors import InputError, RegistrationWarning
from regerr.io import read_pairs, read_points
from regerr.io.columns import layout_of, unit_of

Write = Callable[[str], Path]
SOURCE = np.array([[1.5, 2.0], [30.25, -4.0], [7.0, 8e2]])
TARGET = np.array([[11.0, 12.5], [-1.0, 14.0], [17.0, 0.5]])
HEADER = "x_source,y_source,x_target,y_target"
ROWS = "1.5,2,11,12.5\n30.25,-4.0,-1,14\n7,8e2,17,.5\n"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a text, byte for byte, into a file whose name says nothing."""
    def writer(text: str) -> Path:
        path = tmp_path / "points.dat"
        path.write_bytes(text.encode("utf-8"))
        return path
    return writer


def check(path: Path) -> None:
    pairs = read_pairs(path)
    np.testing.assert_array_equal(pairs.source, SOURCE)
    np.testing.assert_array_equal(pairs.target, TARGET)


@pytest.mark.parametrize("text", [
    f"{HEADER}\n{ROWS}",
    f"\ufeff{HEADER}\n{ROWS}",
    f"{HEADER}\n{ROWS}".replace("\n", "\r\n"),
    f"{HEADER}\n{ROWS}".replace("\n", "\r"),
    f"{HEADER}\n{ROWS}".replace(",", "\t"),
    f"{HEADER}\n{ROWS}".replace(",", ";"),
    f"{HEADER}\n{ROWS}".replace(",", ";").replace(".", ","),
    f"{HEADER}\n{ROWS}".replace(",", "\t").replace(".", ","),
    f"{HEADER}\n{ROWS}".replace(",", "   "),
    f"{HEADER}\n{ROWS}".replace(",", " , "),
    "\n".join(",".join(f'"{cell}"' for cell in row.split(",")) for row in f"{HEADER}\n{ROWS}".splitlines()),
    f"# made by hand, on Tuesday; with care\n\n{HEADER}\n# a remark, too\n{ROWS}\n\n",
    f"{HEADER},,\n" + ROWS.replace("\n", ",,\n") + ",,,,,\n",
    f"{HEADER}\n" + ROWS.replace("\n", ",\n"),
    f"{HEADER}\n{ROWS}".replace("-", "\N{MINUS SIGN}"),
    f"{HEADER}\n{ROWS}".rstrip("\n"),
    ROWS,
    ROWS.replace(",", "\t"),
    ROWS.replace(",", ";").replace(".", ","),
    ROWS.replace(",", " "),
    f"# x_source y_source x_target y_target\n{ROWS}".replace(",", " "),
], ids=lambda text: repr(text[:45]))
def test_the_same_table_in_many_dresses(write: Write, text: str) -> None:
    check(write(text))


@pytest.mark.parametrize("header", [
    "x_src,y_src,x_dst,y_dst", "x_moving,y_moving,x_fixed,y_fixed", "moving_x,moving_y,fixed_x,fixed_y",
    "from x,from y,to x,to y", "X_LM,Y_LM,X_EM,Y_EM", "x-fm,y-fm,x-fib,y-fib", "x1,y1,x2,y2", "x_1,y_1,x_2,y_2",
    "xsource,ysource,xtarget,ytarget", "sourcex,sourcey,targetx,targety", "x_mov,y_mov,x_ref,y_ref",
    "x.source,y.source,x.reference,y.reference",
])
def test_names_of_the_spaces(write: Write, header: str) -> None:
    check(write(f"{header}\n{ROWS}"))


def test_the_order_of_columns_is_the_headers(write: Write) -> None:
    swapped = "".join(",".join([r[3], r[0], r[2], r[1]]) + "\n" for r in (row.split(",") for row in ROWS.splitlines()))
    check(write(f"y_target,x_source,x_target,y_source\n{swapped}"))
    check(write(f"# y_target,x_source,x_target,y_source\n{swapped}"))


def test_three_dimensions_and_names(write: Write) -> None:
    pairs = read_pairs(write("label,x1,y1,z1,x2,y2,z2\nbead A,1,2,3,4,5,6\nbead B,1,2,4,4,5,7\n"))
    assert pairs.names == ("bead A", "bead B") and pairs.dimension == 3
    np.testing.assert_array_equal(pairs.target, [[4, 5, 6], [4, 5, 7]])
    pairs = read_pairs(write("bead A,1,2,3,4,5,6\nbead B,1,2,4,4,5,7\n"))
    assert pairs.names == ("bead A", "bead B") and pairs.dimension == 3
    assert read_pairs(write("1,2,3,4,5,6\n1,2,4,4,5,7\n")).names == ("1", "2")


@pytest.mark.parametrize(("header", "units"), [
    ("x_source [nm],y_source [nm],x_target (um),y_target (um)", ("nm", "µm")),
    ("x_source_px,y_source_px,x_target_nm,y_target_nm", ("px", "nm")),
    ("x_source [\N{GREEK SMALL LETTER MU}m],y_source,x_target [pixels],y_target", ("µm", "px")),
    (HEADER, ("px", "px")),
])
def test_units_in_the_header(write: Write, header: str, units: tuple[str, str]) -> None:
    pairs = read_pairs(write(f"{header}\n{ROWS}"))
    assert (pairs.source_unit, pairs.target_unit) == units
    pairs = read_pairs(write(f"{header}\n{ROWS}"), source_unit="mm", target_unit="m")
    assert (pairs.source_unit, pairs.target_unit) == ("mm", "m")


def test_a_micro_sign_of_a_windows_spreadsheet(tmp_path: Path) -> None:
    path = tmp_path / "excel.csv"
    path.write_bytes("x_source [µm];y_source [µm];x_target [µm];y_target [µm]\r\n1,5;2;3;4\r\n".encode("cp1252"))
    assert read_pairs(path).source_unit == "µm"


def test_switched_off_rows_are_kept_as_unused(write: Write) -> None:
    pairs = read_pairs(write(f"name,{HEADER},used\na,1,2,3,4,1\nb,2,3,4,5,FALSE\nc,3,4,,n/a,no\nd,5,6,x,inf,0\ne,4,4,5,6,yes\n"))
    assert pairs.names == ("a", "e")
    assert [(u.name, u.reason, u.source, u.target) for u in pairs.unused] == [
        ("b", "disabled in the file", (2.0, 3.0), (4.0, 5.0)), ("c", "disabled in the file", (3.0, 4.0), None),
        ("d", "disabled in the file", (5.0, 6.0), None)]


def test_standard_deviations_become_covariances(write: Write) -> None:
    pairs = read_pairs(write(f"{HEADER},sigma_source,sigma_x_target,sigma_target_y\n1,2,3,4,.5,1,2\n2,3,4,5,.25,3,4\n"))
    assert pairs.source_covariance is not None and pairs.target_covariance is not None
    np.testing.assert_allclose(pairs.source_covariance, [0.25 * np.eye(2), 0.0625 * np.eye(2)])
    np.testing.assert_allclose(pairs.target_covariance, [np.diag([1, 4]), np.diag([9, 16])])
    one = read_pairs(write(f"{HEADER},sd_target\n1,2,3,4,2\n"))
    assert one.source_covariance is None and one.target_covariance is not None


def test_columns_that_mean_nothing_here_are_named(write: Write) -> None:
    with pytest.warns(RegistrationWarning, match=r"columns not used: 'gain', 'sigma_sorce' \(did you mean 'sigma_source'\?\)"):
        read_pairs(write(f"{HEADER},gain,sigma_sorce\n1,2,3,4,900,1\n"))


def test_a_chosen_set_of_columns(write: Write) -> None:
    path = write("id,x_red [nm],y_red [nm],x_green,y_green,width\n7,1,2,3,4,9\n8,2,3,4,5,9\n")
    pairs = read_pairs(path, columns=("x_green", "y_green", "x_red [nm]", "y_red [nm]"))
    np.testing.assert_array_equal(pairs.source, [[3, 4], [4, 5]])
    assert (pairs.names, pairs.source_unit, pairs.target_unit) == (("7", "8"), "px", "nm")
    np.testing.assert_array_equal(read_points(path, columns=("x_green", "y_green")).points, [[3, 4], [4, 5]])
    with pytest.raises(InputError, match=r"no column 'x_grene' \(did you mean 'x_green'\?\)"):
        read_pairs(path, columns=("x_grene", "y_green", "x_red [nm]", "y_red [nm]"))
    with pytest.raises(InputError, match="5 columns were named"):
        read_pairs(path, columns=("id", "x_green", "y_green", "width", "x_red [nm]"))
    assert read_pairs(write(f"{HEADER},gate\n1,2,3,4,.9\n2,3,4,6,.9\n"), columns=HEADER.split(",")).gate == 0.9


# Reasons, and what holds for the whole table


def test_reasons_are_read_beside_a_switch(write: Write) -> None:
    pairs = read_pairs(write(f"name,{HEADER},used,reason\na,1,2,3,4,1,fine\nb,2,3,4,5,0, two  candidates\nc,5,6,,,0,\n"
                             "d,3,4,4,6,1,\ne,9,9,9,8,0,unreadable\n"))
    assert pairs.names == ("a", "d")
    assert [(u.name, u.reason) for u in pairs.unused] == [("b", "two candidates"), ("c", "disabled in the file"),
                                                          ("e", "disabled in the file")]
    with pytest.warns(RegistrationWarning, match="columns not used: 'reason'"):  # without a switch, of anything
        assert read_pairs(write(f"{HEADER},reason\n1,2,3,4,seen in both\n2,3,4,6,\n")).n == 2


@pytest.mark.parametrize(("header", "cells", "origins", "gate"), [
    ("pixel_origin_source,pixel_origin_target,gate", ("corner,centre,0.997",) * 2, ("corner", "centre"), 0.997),
    ("pixel_origin", ("corner", "corner"), ("corner", "corner"), None),
    ("Pixel origin_moving,gate", ("centre,", ",.9"), ("centre", None), 0.9),
    ("gate", ("", ""), (None, None), None),
])
def test_what_a_column_says_of_the_whole_table(write: Write, header: str, cells: tuple[str, str],
                                               origins: tuple[str | None, str | None], gate: float | None) -> None:
    pairs = read_pairs(write(f"{HEADER},{header}\n1,2,3,4,{cells[0]}\n2,3,4,6,{cells[1]}\n"))
    assert ((pairs.source_origin, pairs.target_origin), pairs.gate) == (origins, gate)


@pytest.mark.parametrize(("header", "cells", "message"), [
    ("gate", ("0.9", "0.997"), "column gate says '0.9' and '0.997': it holds for the whole table, so give one"),
    ("gate", ("99.7", "99.7"), "column gate: '99.7' is no probability between 0 and 1: give one such as 0.997, or rename"),
    ("gate", ("north", ""), "column gate: 'north' is no probability"),
    ("pixel_origin", ("edge", "edge"), "column pixel_origin: 'edge' is neither centre nor corner: write one, or rename"),
    ("pixel_origin_to", ("corner", "centre"), "column pixel_origin says 'corner' and 'centre'"),
])
def test_what_no_table_can_say(write: Write, header: str, cells: tuple[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_pairs(write(f"{HEADER},{header}\n1,2,3,4,{cells[0]}\n2,3,4,6,{cells[1]}\n"))


def test_comments_stay_comments(write: Write) -> None:
    """Whatever stands in them."""
    pairs = read_pairs(write(f"# gate 0.9\n# pixel_origin: corner, of old\n{HEADER}\n{ROWS}"))
    assert pairs.gate is None and pairs.source_origin is None


# Points of one space


@pytest.mark.parametrize("text", ["x,y\n1.5,2\n30.25,-4\n7,800\n", "1.5,2\n30.25,-4\n7,800\n",
                                  "x_source,y_source\n1.5,2\n30.25,-4\n7,800\n",
                                  "1.5;2\n30,25;-4\n7;800\n", "1.5 2\n30.25 -4\n7 800\n", ",X,Y\n1,1.5,2\n2,30.25,-4\n3,7,800\n"])
def test_points_of_one_space(write: Write, text: str) -> None:
    points = read_points(write(text))
    np.testing.assert_array_equal(points.points, SOURCE)
    assert points.names == ("1", "2", "3") and points.unit is None and not points.points.flags.writeable


def test_targets_with_names_units_and_a_switch(write: Write) -> None:
    points = read_points(write("name;x [nm];y [nm];z [nm];used;uncertainty [nm]\na;1,5;2;3;1;0,5\nb;1;2;3;0;1\n"))
    np.testing.assert_array_equal(points.points, [[1.5, 2.0, 3.0]])
    assert (points.names, points.unit) == (("a",), "nm")
    assert points.covariance is not None
    np.testing.assert_allclose(points.covariance, [0.25 * np.eye(3)])
    assert [(u.name, u.source) for u in points.unused] == [("b", (1.0, 2.0, 3.0))]


def test_the_width_of_a_spot_is_no_standard_deviation(write: Write) -> None:
    with pytest.warns(RegistrationWarning, match="'sigma \\[nm\\]'"):
        assert read_points(write("x [nm],y [nm],sigma [nm]\n1,2,140\n")).covariance is None


def test_pairs_where_points_are_needed_and_the_reverse(write: Write) -> None:
    with pytest.raises(InputError, match="it holds pairs"):
        read_points(write(f"{HEADER}\n{ROWS}"))
    with pytest.raises(InputError, match=r"points of one space \(plain table\): give the file of the other space too"):
        read_pairs(write("x,y\n1,2\n"))


# Headers


@pytest.mark.parametrize(("header", "bare", "unit"), [
    ("x_source", "x_source", None), ("X Source [nm]", "x_source", "nm"), ("y (px)", "y", "px"), ("x_px", "x", "px"),
    ("z2_um", "z2", "µm"), ("x_fm", "x_fm", None), ("uncertainty [nm]", "uncertainty", "nm"), ("x []", "x", None), ("", "", None),
])
def test_header_and_unit(header: str, bare: str, unit: str | None) -> None:
    assert unit_of(header) == (bare, unit)


@pytest.mark.parametrize(("headers", "fault"), [
    (["x_source", "x_target", "y_target"], "the source lacks y"),
    (["x_source", "x_source", "y_source"], "columns 'x_source' and 'x_source' both say x of the source"),
    (["x_lm", "x_fm"], "columns 'x_lm' and 'x_fm' both say x of the source"),
    (["x_source [nm]", "y_source [px]"], r"column 'y_source \[px\]' is in px and the others of its space are in nm"),
    (["x", "y", "sd", "sd_x"], "the s.d. of the points is given for all, x"),
    (["x_source", "y_source", "sigma_x_source"], "the s.d. of the source is given for x"),
])
def test_headers_that_do_not_fit(headers: list[str], fault: str) -> None:
    assert any(re.search(fault, found) for found in layout_of(headers).faults)

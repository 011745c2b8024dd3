"""Two files, one per space: by unique names, else by row with equal counts, else a stop that lists what is on one side only."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from regerr.errors import InputError, RegistrationWarning
from regerr.io import read_pairs

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a text into a file of a given name."""
    def writer(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path
    return writer


def test_by_name_in_the_order_of_the_source(write: Write) -> None:
    a = write("a.csv", "name,x [px],y [px]\nb1,1,2\nb2,3,4\nb10,5,7\n")
    b = write("b.csv", "x [nm];y [nm];name\n30;40;b2\n50;70;b10\n10;20;b1\n")
    pairs = read_pairs(a, b)
    np.testing.assert_array_equal(pairs.target, 10 * pairs.source)
    assert pairs.names == ("b1", "b2", "b10") and (pairs.source_unit, pairs.target_unit) == ("px", "nm")
    assert read_pairs(b, a).names == ("b2", "b10", "b1")


def test_by_row_when_one_file_has_no_names(write: Write) -> None:
    a, b = write("a", "x,y\n1,2\n3,4\n"), write("b", "name,x,y\nu,10,20\nv,30,40\n")
    assert read_pairs(a, b).names == ("u", "v") and read_pairs(b, a).names == ("u", "v")
    assert read_pairs(a, write("c", "5 6\n7 8\n")).names == ("1", "2")


def test_by_row_when_names_repeat(write: Write) -> None:
    a, b = write("a", "name,x,y\nu,1,2\nu,3,4\nw,5,6\n"), write("b", "name,x,y\nu,10,20\nv,30,40\nw,5,7\n")
    pairs = read_pairs(a, b)
    np.testing.assert_array_equal(pairs.target[:, 0], [10, 30, 5])
    assert pairs.names == ("u (row 2)", "u (row 3)", "w")


def test_by_row_with_a_warning_when_no_name_is_common(write: Write) -> None:
    a, b = write("a", "name,x,y\nu,1,2\nv,3,4\n"), write("b", "name,x,y\n1,10,20\n2,30,40\n")
    with pytest.warns(RegistrationWarning, match="have no name in common: their points are matched by row"):
        assert read_pairs(a, b).names == ("u", "v")


def test_a_stop_lists_what_is_on_one_side_only(write: Write) -> None:
    a, b = write("a", "name,x,y\nu,1,2\nv,3,4\nw,5,6\n"), write("b", "name,x,y\nv,30,40\nw,1,2\nz,10,20\n")
    with pytest.raises(InputError, match=rf"only in {a}: 'u'; only in {b}: 'z': complete the files, or .*partial=True"):
        read_pairs(a, b)
    with pytest.raises(InputError, match=rf"only in {a}: 'u', 'v', 'w'; only in {b}: '1', '2': give the points equal names"):
        read_pairs(a, write("b", "name,x,y\n1,30,40\n2,10,20\n"))
    with pytest.raises(InputError, match=r"has 3 points and .* has 2, and without unique names in both"):
        read_pairs(a, write("b", "x,y\n30,40\n10,20\n"))


def test_the_common_points_alone_when_asked(write: Write) -> None:
    a, b = write("a", "name,x,y\nu,1,2\nv,3,4\nw,5,6\n"), write("b", "name,x,y,used\nv,30,40,1\nz,10,20,1\nw,1,2,0\n")
    pairs = read_pairs(a, b, partial=True)
    assert pairs.names == ("v",)
    assert [(u.name, u.reason, u.source, u.target) for u in pairs.unused] == [
        ("u", f"only in {a}", (1.0, 2.0), None), ("w", "disabled in the file", (5.0, 6.0), (1.0, 2.0)),
        ("z", f"only in {b}", None, (10.0, 20.0))]


def test_standard_deviations_follow_their_points(write: Write) -> None:
    a, b = write("a", "name,x,y,sd\nu,1,2,1\nv,3,4,2\n"), write("b", "name,x,y,sd\nv,3,4,4\nu,1,2,3\n")
    pairs = read_pairs(a, b)
    assert pairs.source_covariance is not None and pairs.target_covariance is not None
    np.testing.assert_array_equal(pairs.source_covariance[:, 0, 0], [1, 4])
    np.testing.assert_array_equal(pairs.target_covariance[:, 1, 1], [9, 16])


def test_different_formats_meet(write: Write) -> None:
    a = write("a", "id,dimension_1,dimension_2\n0,1,2\n1,3,4\n")
    pairs = read_pairs(a, write("b", "id,x [nm],y [nm]\n1,30,40\n0,10,20\n"))
    assert (pairs.source_unit, pairs.target_unit) == ("µm", "nm")
    np.testing.assert_array_equal(pairs.target, 10 * pairs.source)


def test_each_space_keeps_from_where_it_counts(write: Write) -> None:
    """Of the shift that is between them the map takes care: nothing is moved, nothing is said."""
    features = [{"type": "Feature", "geometry": {"type": "Point", "coordinates": place}, "properties": {"name": name}}
                for name, place in (("u", [1, 2]), ("v", [3, 4]))]
    a = write("a", json.dumps({"type": "FeatureCollection", "features": features}))
    b = write("b", "index,axis-0,axis-1,label\n0,4,3,v\n1,2,1,u\n")
    pairs = read_pairs(a, b)
    assert (pairs.source_origin, pairs.target_origin) == ("corner", "centre")
    np.testing.assert_array_equal(pairs.source, pairs.target)
    assert read_pairs(b, a).source_origin == "centre"
    lengths = read_pairs(a, b, source_unit="µm", source_pixel_size=2.0)  # from the centre of the first pixel
    np.testing.assert_array_equal(lengths.source, [[1, 3], [5, 7]])
    assert lengths.source_origin == "centre"


def test_faults_of_both_files_come_together(write: Write) -> None:
    a, b = write("a", "name,x,y\nu,1,two\nv,3,4\n"), write("b", "name,x,y\nu,1,2\nv,,4\n")
    first, second = "row 2, column y: 'two' is not a number", "row 3, column x: the value is missing"
    with pytest.raises(InputError, match=f"{a}: {first}; {b}: {second}"):
        read_pairs(a, b)


def test_a_file_without_points_is_refused(write: Write) -> None:
    empty, full = write("a", "id,dimension_1,dimension_2\n"), write("b", "id,dimension_1,dimension_2\n0,1,2\n")
    with pytest.raises(InputError, match=f"{empty}: it holds no points"):
        read_pairs(empty, full)
    with pytest.raises(InputError, match=f"{empty}: it holds no points; {empty}: it holds no points"):
        read_pairs(empty, empty)


def test_what_cannot_be_joined(write: Write) -> None:
    points, space = write("a", "x,y\n1,2\n3,4\n"), write("b", "x,y,z\n1,2,3\n3,4,5\n")
    with pytest.raises(InputError, match=rf"{points} is 2D and {space} is 3D"):
        read_pairs(points, space)
    pairs = write("c", "x1,y1,x2,y2\n1,2,3,4\n")
    with pytest.raises(InputError, match=rf"{pairs}: it already holds pairs \(plain table\): give it alone"):
        read_pairs(points, pairs)
    twice = write("d", "name,x,y\nu,1,2\nv,1,2\n")
    with pytest.raises(InputError, match=r"pairs 'u' and 'v' are equal in both spaces"):
        read_pairs(twice, twice)

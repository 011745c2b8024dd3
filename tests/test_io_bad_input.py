"""The table of bad input: one sentence for each case, with the file, the row, the column and the mend; never a traceback."""

from __future__ import annotations

import io
import os
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regerr.errors import InputError, RegistrationWarning
from regerr.io import read_pairs, read_points

HEADER = "x_source,y_source,x_target,y_target"


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("xl/workbook.xml", "<workbook/>")
    return buffer.getvalue()


FILES: dict[str, tuple[bytes | str, str]] = {
    "empty": ("", "is empty: give a file with points"),
    "blank": (" \r\n\t\n", "is empty"),
    "only a byte order mark": ("\ufeff", "is empty"),
    "comments alone": ("# nothing\n# here\n", "it holds comments and no rows"),
    "header alone": (HEADER, "it holds a header and no rows"),
    "binary": (bytes(range(256)) * 8, "is a binary file and not text"),
    "binary after much text": (b"1,2,3,4\n" * 20_000 + b"\xff\x00\x01", "is a binary file and not text"),
    "an Excel workbook": (archive(), "starts like a workbook and is damaged"),
    "an image": (b"\x89PNG\r\n\x1a\n\x00", "is an image"),
    "a TIFF": (b"II*\x00\x08\x00", "starts like a TIFF and is damaged"),
    "HDF5": (b"\x89HDF\r\n\x1a\n", "starts like HDF5 and is damaged"),
    "UTF-16 with a mark": (f"{HEADER}\n1,2,3,4\n".encode("utf-16"), "is UTF-16 text: save it as UTF-8"),
    "UTF-16 without": (f"{HEADER}\n1,2,3,4\n".encode("utf-16-be"), "is UTF-16 text: save it as UTF-8"),
    "HTML": ("\n<!DOCTYPE html>\n<html><body>404</body></html>", r"is a web page \(HTML\) and not a table: download the file"),
    "HTML with a remark": ("<!-- saved --> <HTML lang='en'>", r"is a web page \(HTML\)"),
    "JSON": ('{\n  "points": [[1, 2]]\n}\n', "it is JSON of no kind that is read here: export the points as CSV"),
    "prose": ("Dear all,\nthe beads are in the other file.\n", "columns|column"),
    "one column": ("1\n2\n3\n", "its first row '1' is one column"),
    "ragged rows": (f"{HEADER}\n1,2,3,4\n1,2,3\n5,6,7,8,9\n7,8,9,10\n8,8,8,9\n",
                    "row 3 has 3 columns where the first row has 4; row 4 has 5 columns where the first row has 4"),
    "ragged throughout": (f"{HEADER}\n1\n1,2\n1,2,3\n", "its rows have 1 to 4 columns: give a table with the same columns"),
    "unknown columns": ("a,b,c,d\n1,2,3,4\n", "the columns 'a', 'b', 'c', 'd' do not say which holds which coordinate: name"),
    "too few columns": ("x_source,y_source,x_target\n1,2,3\n", "the target lacks y"),
    "five columns without a header": ("1,2,3,4,5\n2,3,4,5,6\n", "it has 5 columns and no header"),
    "text in a number": (f"{HEADER}\n1,2,3,4\n1,2,3..4,4\n", r"row 3, column x_target: '3\.\.4' is not a number"),
    "text in a number, no header": ("1,2,3,4\n1,b,3,4\n", "row 2, column 2: 'b' is not a number"),
    "a date": (f"{HEADER}\n1,2,3,4\n2021-03-04,2,3,4\n", "row 3, column x_source: '2021-03-04' is not a number"),
    "grouped thousands": ("x1;y1;x2;y2\n1.234,5;2;3;4\n", "row 2, column x1: '1.234,5' is not a number"),
    "a missing value": (f"{HEADER}\n1,2,3,4\n1,,3,5\n", "row 3, column y_source: the value is missing"),
    "NaN": (f"{HEADER}\nNaN,2,3,4\n", "row 2, column x_source: the value is NaN"),
    "infinity": (f"{HEADER}\n1,2,3,-inf\n", "row 2, column y_target: the value is -inf"),
    "a switch that is none": (f"{HEADER},used\n1,2,3,4,maybe\n", "row 2: 'used' is 'maybe': write true or false"),
    "all switched off": (f"{HEADER},used\n1,2,3,4,0\n", "it holds no pair to use"),
    "a standard deviation of zero": (f"{HEADER},sigma_source\n1,2,3,4,0\n", "row 2: a standard deviation is 0: give a positive"),
    "a standard deviation whose square is infinite": (f"{HEADER},sigma_source\n1,2,3,4,1e200\n",
                                                      r"row 2: a standard deviation is 1e\+200"),
    "a number of a thousand digits": (f"{HEADER}\n1,2,3,{'9' * 1000}\n", r"column y_target: the value is 9{37}\.\.\.$"),
    "a negative standard deviation": (f"{HEADER},sigma_source\n1,2,3,4,-1\n", "row 2: a standard deviation is -1"),
    "the same pair twice": (f"name,{HEADER}\na,1,2,3,4\nb,5,6,7,8\nc,1,2,3,4\n", "pairs 'a' and 'c' are equal in both spaces"),
    "the same name twice": (f"name,{HEADER}\na,1,2,3,4\na,5,6,7,8\n", "the name 'a' stands in rows 2, 3: give each point its"),
    "mixed 2D and 3D": ("x1,y1,z1,x2,y2\n1,2,3,4,5\n", "source is 3D and target is 2D: give both in one dimension"),
    "two units in one space": ("x1 [nm],y1 [px],x2,y2\n1,2,3,4\n", r"column 'y1 \[px\]' is in px and the others .* are in nm"),
    "the same column twice": (f"{HEADER},x_source\n1,2,3,4,5\n", "columns 'x_source' and 'x_source' both say x of the source"),
    "points of one space": ("x,y\n1,2\n", "it holds points of one space"),
    "an open quote": (f'{HEADER}\n"1,2,3,4\n5,6,7,8\n', "row 2 has 1 columns where the first row has 4"),
}


@pytest.mark.parametrize("case", FILES)
def test_bad_files(tmp_path: Path, case: str) -> None:
    content, message = FILES[case]
    path = tmp_path / "beads.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    with pytest.raises(InputError, match=message) as caught:
        read_pairs(path)
    said = str(caught.value)
    assert said.startswith(str(path)) and "\n" not in said and len(said) < 600


def test_all_faults_of_one_file_come_in_one_message(tmp_path: Path) -> None:
    path = tmp_path / "beads.csv"
    path.write_text(f"name,{HEADER},used\na,1,2,3,4,1\nb,1,x,3,,1\nc,1,2,3,4,1\nd,nan,2,3,5,yes\na,7,8,9,9,1\n"
                    "e,1,2\nf,1,2,3,q,0\n")
    with pytest.raises(InputError) as caught:
        read_pairs(path)
    said = str(caught.value)
    for part in ("row 7 has 3 columns", "row 3, column y_source: 'x' is not a number",
                 "row 3, column y_target: the value is missing", "row 5, column x_source: the value is nan",
                 "the name 'a' stands in rows 2, 6", "pairs 'a (row 2)' and 'c' are equal in both spaces"):
        assert part in said
    assert "'q'" not in said  # a row that is switched off may hold anything


def test_many_faults_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "beads.csv"
    path.write_text(f"{HEADER}\n" + "".join(f"{i},y,{i},{i}\n" for i in range(40)))
    with pytest.raises(InputError, match=r"row 6, column y_source: 'y' is not a number; and 35 more faults$"):
        read_pairs(path)


def test_no_such_file(tmp_path: Path) -> None:
    (tmp_path / "beads.csv").write_text("1,2,3,4\n")
    with pytest.raises(InputError, match=r"baeds.csv: there is no such file: did you mean 'beads.csv'\?"):
        read_pairs(tmp_path / "baeds.csv")
    with pytest.raises(InputError, match="there is no such file: check the path"):
        read_pairs(tmp_path / "entirely different")
    with pytest.raises(InputError, match="there is no such file, nor its folder"):
        read_pairs(tmp_path / "nowhere" / "beads.csv")


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder: name a file in it"):
        read_points(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "beads.csv"
    path.write_text("1,2,3,4\n")
    path.chmod(0)
    with pytest.raises(InputError, match="cannot be read"):
        read_pairs(path)


@pytest.mark.parametrize("path", [3, None, ["a.csv"]])
def test_a_path_that_is_none(path: object) -> None:
    with pytest.raises(InputError, match="a file name was expected"):
        read_pairs(path)  # type: ignore[arg-type]


def test_a_path_with_a_zero_byte() -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_pairs("a\0.csv")


def test_an_endless_file() -> None:
    if not Path("/dev/zero").exists():
        pytest.skip("no endless file on this system")
    with pytest.raises(InputError, match="is a binary file"):
        read_pairs("/dev/zero")


XML = ('<?xml version="1.0"?>\n<root><transformation date="a"><dataset type="source" n="1" pointType="FIDUCIAL"><point id="0">'
       '<coordinate dimension="0">1</coordinate><coordinate dimension="1">2</coordinate></point></dataset><dataset type="target">'
       '<point id="0"><coordinate dimension="0">3</coordinate><coordinate dimension="1">4</coordinate></point></dataset>'
       '</transformation></root>')
TABLE = f"name,{HEADER},used\nbead 1,1.5,2,3,4,true\nbead 2,5,6,7,8,false\nbead 3,1,7,8,9,true\n"
SEEDS = (TABLE, XML, "id,dimension_1,dimension_2,dimension_3\r\n0,1,2,0\r\n1,3,4,0\r\n",
         '"Pt-0","true","1.5","2","3","4"\n"Pt-1","false","5","6","Infinity","8"\n"Pt-2","true","1","7","8","9"\n',
         "# Markups fiducial file version = 4.6\n# CoordinateSystem = 0\n# columns = id,x,y,z,vis,sel,label\nn,1,2,3,1,1,A\n"
         "n,2,3,4,1,0,B\n")
PIECES = st.sampled_from([*'0123456789.,;\t\n"#-+eE<>{}[]()x \\\0é', HEADER, "nan", "inf", "true", "false", "\r\n", "<root>"])


def damaged(seed: str, place: float, length: int, new: list[str]) -> bytes:
    """A good file with a piece cut out and others put in."""
    start = int(place * len(seed))
    return (seed[:start] + "".join(new) + seed[start + length:]).encode()


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.one_of(st.binary(max_size=200),
                 st.lists(PIECES, max_size=60).map(lambda parts: "".join(parts).encode()),
                 st.builds(damaged, st.sampled_from(SEEDS), st.floats(0, 1), st.integers(0, 30), st.lists(PIECES, max_size=4))))
def test_no_content_ends_in_anything_but_points_or_a_sentence(tmp_path: Path, content: bytes) -> None:
    path, other = tmp_path / "any", tmp_path / "other"
    path.write_bytes(content)
    other.write_text(SEEDS[2])
    for read in (read_pairs, read_points, lambda one: read_pairs(one, other), lambda one: read_pairs(other, one, partial=True)):
        said = outcome(read, path)
        assert said is None or (str(path) in said and "\n" not in said)


def outcome(read: Callable[[Path], object], path: Path) -> str | None:
    """The sentence of a refusal; None for points, which are then finite."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RegistrationWarning)
            found = read(path)
    except InputError as refusal:
        return str(refusal)
    assert all(np.isfinite(getattr(found, field)).all() for field in ("source", "target", "points") if hasattr(found, field))
    return None

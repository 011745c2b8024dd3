"""A file, opened with every refusal that does not depend on its format.

What is no text and of no binary format that is read here, or the text of something else entirely, is refused with one
sentence, so that a reader of a format only ever sees what it can look at.
"""

from __future__ import annotations

import difflib
import json
import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ..errors import InputError

_HEAD = 65536  # bytes looked at before the rest of a file is read
_MOST = 2**30  # bytes of a file, no more of which is read
_HTML = re.compile(r"(?>\s*<!--.*?-->)*+\s*<(!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x19\x1b-\x1f\x7f]")
# How the binary files begin that some reader takes: ImageJ ROI, zip, HDF5, IMOD, TIFF.
BINARY = (b"Iout", b"PK\x03\x04", b"\x89HDF\r\n\x1a\n", b"IMODV1.2", b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_MAGIC = {
    b"MATLAB": "a MATLAB file: export its points as CSV",
    b"\x89PNG": "an image: give the file that holds the points",
    b"\x1f\x8b": "a gzip archive: unpack it first",
    b"%PDF": "a PDF: export the table as CSV",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook: save it as .xlsx or CSV",
}
_ZERO_ENDED = b"Index\tFirst Frame"  # how the table of Zeiss Elyra begins, which ends in a zero byte
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Document:
    """One file and where it came from.

    Attributes
    ----------
    path : str
        As the user gave it, for messages.
    text : str
        Without byte order mark, with a line feed alone at the end of every line; empty for a binary file.
    data : bytes
        The content of a binary file; empty for text.
    """

    path: str
    text: str
    data: bytes = b""

    @cached_property
    def lines(self) -> list[str]:
        """The lines; line 1 of the file is ``lines[0]``."""
        return self.text.split("\n")

    @cached_property
    def head(self) -> str:
        """The start of the text, without blanks before it, to recognise a format by."""
        return self.text[:_HEAD].lstrip()

    @cached_property
    def json(self) -> Any:
        """The value of a JSON text, bare Infinity and NaN included; None for any other text, and for a damaged one."""
        return None if self._json[1] else self._json[0]

    @property
    def json_fault(self) -> str:
        """What is wrong with a text that starts like JSON; empty when nothing is."""
        return self._json[1]

    @cached_property
    def _json(self) -> tuple[Any, str]:
        if not self.head.startswith(("{", "[")):
            return None, "it is no JSON"
        try:
            return json.loads(self.text), ""
        except json.JSONDecodeError as fault:
            return None, f"line {fault.lineno}, column {fault.colno}: {fault.msg[:1].lower()}{fault.msg[1:]}"
        except RecursionError:
            return None, "it is nested too deeply"
        except ValueError:
            return None, "it holds a number of too many digits"


def open_document(path: str | os.PathLike[str]) -> Document:
    """Read a file.

    Raises
    ------
    InputError
        When the file is missing, a folder, not readable, empty, larger than 1 GiB, of an unknown binary format, UTF-16 or a web
        page; the message names it and the mend.
    """
    try:
        name = os.fspath(path)
    except TypeError:
        raise InputError(f"a file name was expected and {path!r} was given: give the path as text") from None
    data = _read_bytes(name)
    if data.startswith(BINARY):
        return Document(name, "", data)
    if data.startswith(_ZERO_ENDED):
        data = data.replace(b"\x00", b"")
    text = _decode(name, data).replace("\r\n", "\n").replace("\r", "\n").rstrip("\x1a")
    if not text.strip():
        raise InputError(f"{name} is empty: give a file with points")
    if _HTML.match(text[:_HEAD]):
        raise InputError(f"{name} is a web page (HTML) and not a table: download the file itself, not the page that shows it")
    return Document(name, text)


def _read_bytes(name: str) -> bytes:
    try:
        with open(name, "rb") as file:
            head = file.read(_HEAD)
            if not head.startswith((*BINARY, _ZERO_ENDED)):
                _refuse_binary(name, head)
            rest = file.read(_MOST)
            if len(rest) == _MOST:
                raise InputError(f"{name} is larger than 1 GiB: give the points of one registration alone")
            return head + rest
    except FileNotFoundError:
        raise InputError(f"{name}: there is no such file{_near(name)}") from None
    except IsADirectoryError:
        raise InputError(f"{name} is a folder: name a file in it") from None
    except InputError:
        raise
    except (OSError, ValueError) as fault:  # ValueError: a zero byte in the name
        raise InputError(f"{name} cannot be read ({getattr(fault, 'strerror', None) or fault}): check the path and "
                         "the permissions") from None


def _near(name: str) -> str:
    """The mend for a missing file: a file of a similar name, where there is one."""
    try:
        others = os.listdir(Path(name).parent)
    except (OSError, ValueError):
        return ", nor its folder: check the path"
    near = difflib.get_close_matches(Path(name).name, others, n=1, cutoff=0.7)
    return f": did you mean {near[0]!r}?" if near else ": check the path"


def _refuse_binary(name: str, head: bytes) -> None:
    for magic, what in _MAGIC.items():
        if head.startswith(magic):
            raise InputError(f"{name} is {what}")
    zeros = head.count(0)
    if head.startswith(_UTF16) or (zeros and max(head[::2].count(0), head[1::2].count(0)) == zeros > len(head) // 4):
        raise InputError(f"{name} is UTF-16 text: save it as UTF-8 (in Excel: 'CSV UTF-8')")
    if _CONTROL.search(head):
        raise InputError(f"{name} is a binary file and not text: give a table such as CSV")


def _decode(name: str, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        if _CONTROL.search(data):
            raise InputError(f"{name} is a binary file and not text: give a table such as CSV") from None
        return data.decode("cp1252", errors="replace")  # what Excel on Windows writes for the micro sign

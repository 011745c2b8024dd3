"""Zip archives, read without trusting what they say of themselves.

Names that climb out of the archive are refused, and so is an archive that would unpack to more than 256 MiB or to ten
thousand files. Nothing is ever unpacked to disk.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator

from ..errors import InputError
from .document import Document
from .sheet import refusal, short

_MOST = 256 * 2**20
_FILES = 10_000
_ZIP = b"PK\x03\x04"


def names(document: Document) -> list[str]:
    """The files of a zip archive; empty for what is none, or is damaged."""
    if not document.data.startswith(_ZIP):
        return []
    try:
        with zipfile.ZipFile(io.BytesIO(document.data)) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, EOFError):
        return []


def unpack(document: Document, suffix: str = "") -> dict[str, bytes]:
    """The files of an archive whose names end in ``suffix``, in its order.

    Raises
    ------
    InputError
        For a damaged or encrypted archive, names with a path out of it, and too much content.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(document.data)) as archive:
            return dict(_unpacked(document, archive, suffix))
    except InputError:
        raise
    except (zipfile.BadZipFile, zlib.error, ValueError, OSError, NotImplementedError, EOFError, RuntimeError) as fault:
        raise refusal(document.path, [f"it starts like a zip archive and is damaged ({short(fault)}): save it again"]) from None


def _unpacked(document: Document, archive: zipfile.ZipFile, suffix: str) -> Iterator[tuple[str, bytes]]:
    entries = archive.infolist()
    _check(document, entries)
    left = _MOST
    for entry in entries:
        if entry.is_dir() or not entry.filename.lower().endswith(suffix):
            continue
        with archive.open(entry) as file:
            content = file.read(left + 1)
        left -= len(content)
        if left < 0:
            raise _too_much(document)
        yield entry.filename, content


def _check(document: Document, entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > _FILES:
        raise refusal(document.path, [f"the archive holds {len(entries)} files, more than {_FILES}: give the points alone"])
    for entry in entries:
        name = entry.filename.replace("\\", "/")
        if name.startswith("/") or ".." in name.split("/") or re.match("[A-Za-z]:", name):
            raise refusal(document.path, [f"the archive holds the path {short(name)}, which leads out of it: it is not read"])
        if entry.flag_bits & 1:
            raise refusal(document.path, ["the archive is encrypted: save it without a password"])
    if sum(entry.file_size for entry in entries) > _MOST:
        raise _too_much(document)


def _too_much(document: Document) -> Exception:
    return refusal(document.path, [f"the archive unpacks to more than {_MOST // 2**20} MiB: give the points alone"])

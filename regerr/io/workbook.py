"""Excel workbooks: the first sheet that is not empty, read by python-calamine, then like the same table as text.

Whatever table a program wrote, and a person saved as a workbook, is recognised by its content as if it were a text file.
"""

from __future__ import annotations

import io
import re
from typing import Any

from ..errors import InputError, MissingExtraError
from . import archive
from .document import Document
from .sheet import Card, refusal, short

CARD = Card("Excel workbook", ".xlsx", "as its table", "as its table", "as its table", "the first sheet that is not empty",
            "python-calamine")
_REFERENCE = re.compile(rb'<c\b[^>]{0,200}?\br="([A-Z]{1,3})([0-9]{1,7})"')
_MOST = 5_000_000  # cells of the rectangle that a sheet fills


def recognises(document: Document) -> bool:
    """Whether the archive is a workbook."""
    return "xl/workbook.xml" in archive.names(document)


def as_text(document: Document) -> Document:
    """The table as text with tabs; raises InputError for damaged and for empty workbooks."""
    for name, content in archive.unpack(document).items():
        _check(document, name, content)
    rows = _rows(document)
    text = "\n".join("\t".join(map(_cell, row)) for row in rows)
    if not text.strip():
        raise refusal(document.path, ["its sheets are empty: give a table of points"])
    return Document(document.path, text)


def _check(document: Document, name: str, content: bytes) -> None:
    """Refuse what would fill the memory: entities, and a few cells so far apart that the table between them is huge."""
    if name.endswith((".xml", ".rels")) and (b"<!DOCTYPE" in content or b"<!ENTITY" in content):
        raise refusal(document.path, [f"its part {short(name)} declares a document type or entities: it is not read"])
    if not name.startswith("xl/worksheets/"):
        return
    found = _REFERENCE.findall(content)
    columns = max((_column(letters) for letters, _ in found), default=0)
    rows = max((int(digits) for _, digits in found), default=0)
    if columns * rows > _MOST:
        raise refusal(document.path, [f"a sheet has {rows} rows and {columns} columns: keep the table of points alone"])


def _column(letters: bytes) -> int:
    """A is 1, Z is 26, AA is 27."""
    number = 0
    for letter in letters:
        number = 26 * number + letter - 64
    return number


def _rows(document: Document) -> list[list[Any]]:
    try:
        from python_calamine import CalamineWorkbook
    except ModuleNotFoundError:
        raise MissingExtraError("workbooks need the library python-calamine, which is not installed: install it with "
                                "pip install 'regerr[io]', or save the sheet as CSV") from None
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(document.data))
        sheets = (book.get_sheet_by_name(name).to_python(skip_empty_area=True) for name in book.sheet_names)
        return next((rows for rows in sheets if any(cell != "" for row in rows for cell in row)), [])
    except InputError:
        raise
    except BaseException as fault:  # a fault in the library's own language is no Exception
        if isinstance(fault, KeyboardInterrupt | SystemExit):
            raise
        said = f"it starts like a workbook and is damaged ({short(fault)}): save it again, or as CSV"
        raise refusal(document.path, [said]) from None


def _cell(value: Any) -> str:
    """A cell as text in which tabs separate; whole numbers without a point, so that names stay as they look."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return " ".join(str(value).split())

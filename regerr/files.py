"""Files that are complete or not there at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from .errors import InputError


def check_free(path: Path, force: bool = False) -> None:
    """Refuse a file that exists, unless ``force`` is set, and a folder in its place.

    Raises
    ------
    InputError
        With the mend.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder: give the name of a file")
    if path.exists() and not force:
        raise InputError(f"{path} already exists: choose another name, or overwrite it with --force (force=True in Python)")


def write_text(path: Path, text: str, *, force: bool = False) -> None:
    """Write UTF-8 text under a temporary name, then rename it.

    Raises
    ------
    InputError
        When the file exists and ``force`` is not set, or cannot be written; nothing is left half written.
    """
    write_file(path, lambda place: place.write_text(text, encoding="utf-8", newline="\n"), force=force)


def write_file(path: Path, write: Callable[[Path], object], *, force: bool = False) -> None:
    """Let ``write`` fill a temporary file beside ``path``, with its suffix, then rename it.

    Devices and pipes are written to directly. Raises InputError as `write_text`.
    """
    check_free(path, force)
    try:
        if path.exists() and not path.is_file():
            write(path)
            return
        with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=path.parent) as folder:
            place = Path(folder) / path.name
            write(place)
            os.replace(place, path)
    except OSError as fault:
        raise InputError(f"cannot write {path} ({fault.strerror or fault}): choose another place, or free some space") from None

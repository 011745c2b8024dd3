"""Several files written together: all of them complete, or none."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from regerr.errors import InputError


def write_together(folder: Path, files: Mapping[str, str | bytes], force: bool = False) -> None:
    """Write files into a folder through temporary names; the folder is made when it is missing.

    Raises
    ------
    InputError
        When a file exists and ``force`` is not set, or when the folder cannot be written to; then nothing is changed.
    """
    present = [name for name in files if os.path.lexists(folder / name)]
    if present and not force:
        raise InputError(f"{folder} already holds {', '.join(present)}: choose another folder, or overwrite with --force")
    made = _missing(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder, files)
    except OSError as fault:
        _remove(made)
        raise InputError(f"cannot write into {folder} ({fault.strerror or fault}): choose another folder for --output") from None


def _write(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Every file completely under a temporary name first, then the renames."""
    with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=folder) as temporary:
        for name, content in files.items():
            if (folder / name).is_dir():
                raise IsADirectoryError(21, f"{name} is a folder")
            if isinstance(content, bytes):
                (Path(temporary) / name).write_bytes(content)
            else:
                (Path(temporary) / name).write_text(content, encoding="utf-8", newline="\n")
        for name in files:
            os.replace(Path(temporary) / name, folder / name)


def _missing(folder: Path) -> Path | None:
    """The outermost folder that would have to be made."""
    missing = [p for p in (folder, *folder.parents) if not p.exists()]
    return missing[-1] if missing else None


def _remove(made: Path | None) -> None:
    if made is not None:
        shutil.rmtree(made, ignore_errors=True)

"""What a study leaves on disk: whole files or none, and finished parts that an interrupted run need not compute again."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from regerr.errors import InputError


def made(folder: Path) -> Path:
    """The folder, made where it is missing, or an InputError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise InputError(f"cannot make the folder {folder} ({fault.strerror or fault}): give another --output") from None
    return folder


def write_whole(path: Path, writer: Callable[[Path], Any]) -> None:
    """Write a file under a temporary name, then rename it; raises InputError in one sentence when that is impossible."""
    unfinished = path.with_name(f".unfinished-{os.getpid()}-{path.name}")
    try:
        writer(unfinished)
        os.replace(unfinished, path)
    except OSError as fault:
        raise InputError(f"cannot write {path} ({fault.strerror or fault}): choose another folder for --output") from None
    finally:
        unfinished.unlink(missing_ok=True)


def write_parquet(path: Path, table: pd.DataFrame) -> None:
    """A table with its types."""
    write_whole(path, lambda unfinished: table.to_parquet(unfinished, index=False))


def write_csv(path: Path, table: pd.DataFrame) -> None:
    """A table as text, the same bytes on every system."""
    write_whole(path, lambda unfinished: table.to_csv(unfinished, index=False, float_format="%.6g", lineterminator="\n"))


def write_both(folder: Path, name: str, table: pd.DataFrame) -> None:
    """A table as Parquet and as CSV."""
    write_parquet(folder / f"{name}.parquet", table)
    write_csv(folder / f"{name}.csv", table)


def stored(path: Path, fingerprint: str) -> pd.DataFrame | None:
    """The table of a part, or None when it is missing, unreadable or was made from something else."""
    try:
        table = pd.read_parquet(path)
    except (OSError, ValueError):
        return None
    return table if table.attrs.get("fingerprint") == fingerprint else None

"""What all commands of studies share: checks before anything is computed, a run that may be stopped, and text in columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import typer

from regerr.errors import InputError, MissingExtraError

from .progress import Progress

_LIBRARIES = ("pandas", "pyarrow", "joblib")


def check_counts(**counts: int | None) -> None:
    """Refuse numbers below 1 of what is counted."""
    for name, value in counts.items():
        if value is not None and value < 1:
            raise InputError(f"{name} is {value}: give at least 1")


def check_share(share: float) -> None:
    """Refuse a share of all images that is none."""
    if not 0 < share <= 1:
        raise InputError(f"the share of images is {share:g}: give a number above 0 and at most 1")


def check_libraries(*more: str, extras: str = "study") -> None:
    """The libraries of the study extra, and others by their names, or a MissingExtraError that names the missing ones."""
    missing = [name for name in (*_LIBRARIES, *more) if find_spec(name) is None]
    if missing:
        raise MissingExtraError(f"a study needs {', '.join(missing)}: install them with pip install 'regerr[{extras}]'")


@contextmanager
def going_on(title: str, place: Path) -> Iterator[Progress]:
    """A line of progress while a study runs; stopped, it says where it goes on, and ends the command."""
    with Progress(title) as progress:
        try:
            yield progress
        except KeyboardInterrupt:
            typer.echo(f"Stopped. What is done is kept in {place}: the same command goes on there.", err=True)
            raise typer.Exit(130) from None


def aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    """Rows of words, each column as wide as its widest word."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return ["  ".join(f"{word:{width}}" for word, width in zip(line, widths, strict=True)).rstrip() for line in lines]

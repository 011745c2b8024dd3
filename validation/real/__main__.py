"""``python -m validation.real``, the same as ``regerr study real``."""

from __future__ import annotations

import sys

import typer

from regerr.commands.shell import guarded

from .command import real

if __name__ == "__main__":
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command()(real)
    sys.exit(guarded(lambda: app(standalone_mode=False)))

"""What surrounds every command: one sentence for a fault, notes for warnings, and commands that other packages add.

Nothing here loads a numerical library, so that help comes at once.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import typer
from typer.core import TyperGroup

from ..errors import MissingExtraError, RegistrationError, RegistrationWarning

GROUP = "regerr.commands"
# The class that all faults of a command line share, wherever its library keeps it.
UsageError: type[Exception] = typer.BadParameter.__mro__[1]

# What commands of other packages do: said here so that the list of commands loads none of them.
_HELP = {
    "simulate": "Simulate matched fiducials and targets with a known truth.",
    "study": "Run a Monte Carlo study of coverage, and write its tables.",
}
_EXTRAS = {"study": "study"}


class Commands(TyperGroup):
    """The commands of this package and those that the entry-point group ``regerr.commands`` names, loaded on use."""

    def list_commands(self, ctx: Any) -> list[str]:
        own = list(super().list_commands(ctx))
        return [*own, *(name for name in _added() if name not in own)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        own = super().get_command(ctx, cmd_name)
        if own is not None or cmd_name not in _added():
            return own
        return load_command(_added()[cmd_name])

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The list in ``--help``; commands of other packages by their known description alone."""
        rows = []
        for name in self.list_commands(ctx):
            own = super().get_command(ctx, name)
            other = _HELP.get(name, f"Added by another package ({name}).")
            rows.append((name, other if own is None else own.get_short_help_str(90)))
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def main(self, args: Any = None, prog_name: str | None = None, complete_var: str | None = None, standalone_mode: bool = True,
             windows_expand_args: bool = True, **extra: Any) -> Any:
        """Run, and turn every fault into one sentence and exit code 2."""
        given = list(sys.argv[1:] if args is None else args) or ["--help"]
        run = super().main
        code = guarded(lambda: run(given, prog_name or "regerr", complete_var, False, windows_expand_args, **extra))
        if standalone_mode:
            sys.exit(code)
        return code


def load_command(entry: EntryPoint) -> Any:
    """The command behind an entry point; MissingExtraError says what to install."""
    try:
        app = entry.load()
    except ModuleNotFoundError as fault:
        extra = _EXTRAS.get(entry.name, "all")
        raise MissingExtraError(f"regerr {entry.name} needs the library {fault.name}, which is not installed: install it with "
                                f"pip install 'regerr[{extra}]'") from None
    app.rich_markup_mode = None  # the same plain help for all commands
    command = typer.main.get_command(app)
    command.name = entry.name
    return command


def guarded(run: Callable[[], Any]) -> int:
    """Run a command; its exit code. A fault is one sentence on stderr, never a traceback."""
    try:
        with notes():
            code = run()
            sys.stdout.flush()
            return code if isinstance(code, int) else 0
    except RegistrationError as fault:
        return _say(f"Error: {fault}")
    except UsageError as fault:
        return _say_usage(fault)
    except BrokenPipeError:
        _abandon_stdout()
        return 0
    except OSError as fault:
        _abandon_stdout()
        where = f"{fault.filename}: " if fault.filename else "the output cannot be written: "
        return _say(f"Error: {where}{fault.strerror or fault}")
    except MemoryError:
        return _say("Error: there is not enough memory: give fewer points, or a map of fewer pixels")
    except (KeyboardInterrupt, typer.Abort):
        return _say("Stopped.", 130)


@contextmanager
def notes() -> Iterator[None]:
    """Print each of this library's warnings once, as ``Note: ...`` on stderr; leave all others as they are."""
    seen: set[str] = set()
    with warnings.catch_warnings():
        others = warnings.showwarning
        warnings.simplefilter("always", RegistrationWarning)

        def show(message: Any, category: type[Warning], *rest: Any, **more: Any) -> None:
            if not issubclass(category, RegistrationWarning):
                others(message, category, *rest, **more)
            elif str(message) not in seen:
                seen.add(str(message))
                typer.echo(f"Note: {_one_line(message)}", err=True)

        warnings.showwarning = show
        yield


def _say_usage(fault: Any) -> int:
    """A fault of the command line, and whose help to read; nothing to add where that help was shown instead."""
    message = _one_line(fault.format_message()).rstrip(".")
    path = fault.ctx.command_path if fault.ctx is not None else "regerr"
    return _say(f"Error: {message}: see {path} --help") if message else 2


def _added() -> dict[str, EntryPoint]:
    """Commands that the metadata of installed packages name."""
    return {entry.name: entry for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name)}


def _say(sentence: str, code: int = 2) -> int:
    with suppress(OSError):
        typer.echo(_one_line(sentence), err=True)
    return code


def _one_line(message: object) -> str:
    return " ".join(str(message).split())


def _abandon_stdout() -> None:
    """Let what is still buffered go nowhere, so that the interpreter does not complain at its end."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

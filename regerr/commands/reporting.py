"""The command ``regerr report``: one page on one registration."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .numbers import along_axes
from .options import Input, given_by, read_targets

if TYPE_CHECKING:
    from ..results import RegistrationResult


@dataclass(frozen=True)
class Page:
    """What the page shows beside the registration, and where it goes."""

    output: Annotated[Path, typer.Option(metavar="FILE", help="The page, .html.")] = Path("report.html")
    targets: Annotated[Path | None, given_by("FILE", "Points in the source to predict: x, y[, z].")] = None
    image: Annotated[Path | None, given_by("FILE", "A TIFF of the target, to draw behind the figures; a stack in 3D.")] = None
    page: Annotated[int | None, given_by("NUMBER", "Its page (2D) or channel (3D), from 0, where the file has several.")] = None
    spacing: Annotated[str | None, given_by("S[,S]", "Its pixel size along x, y[, z], in target units.  "
                                            "[default: that of the file]")] = None
    origin: Annotated[str | None, given_by("X,Y[,Z]", "Centre of its first pixel, in target units.  [default: 0, or half a "
                                                       "pixel where points count from its corner]")] = None
    figures: Annotated[Path | None, given_by("DIR", "Write the figures as PDF into this folder too.")] = None
    title: Annotated[str | None, given_by("TEXT", "Heading of the page.  [default: the names of the files]")] = None
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that exist.")] = False

    def check(self) -> None:
        """Refuse, before anything is computed, a page that exists, and options of an image where there is none."""
        from ..errors import InputError
        from ..files import check_free

        check_free(self.output, self.force)
        alone = [f"--{name}" for name in ("page", "spacing", "origin") if getattr(self, name) is not None]
        if self.image is None and alone:
            raise InputError(f"{' and '.join(alone)} tell of an image, and there is none: give one with --image")

    def write(self, given: Input, result: RegistrationResult) -> list[Path]:
        """Write the page and the figures; what was written."""
        from ..report import write

        d = result.pairs.dimension
        files = [path.name for path in (given.file, given.file2) if path is not None]
        return write(result, self.output, targets=read_targets(self.targets, result.pairs), image=self.image, page=self.page,
                     spacing=None if self.spacing is None else along_axes("--spacing", self.spacing, d),
                     origin=None if self.origin is None else along_axes("--origin", self.origin, d),
                     figures=self.figures, files=files, title=self.title, force=self.force)

"""The command ``regerr detect``: spots of an image as points with their s.d."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import InputError
from .numbers import numbers_in
from .options import given_by

if TYPE_CHECKING:
    from ..detection import Camera, Spots


@dataclass(frozen=True)
class Detection:
    """What the user says of the image and of its spots."""

    dark: Annotated[bool, typer.Option("--dark", help="Spots are darker than what surrounds them.")] = False
    profile: Annotated[str, typer.Option(metavar="SHAPE", help="gaussian (spots of a microscope) or disc (beads in electron "
                                                               "micrographs, balls in a volume).")] = "gaussian"
    camera: Annotated[str | None, given_by("GAIN,OFFSET[,READ]", "Counts per photon, counts without light, and r.m.s. read-out "
                                           "noise in photons.  [default: what the spots show]")] = None
    spacing: Annotated[str | None, given_by("S[,S,S]", "Size of a voxel along x, y[, z].  [default: what the file says]")] = None
    unit: Annotated[str | None, given_by("UNIT", "Unit of the size of a voxel.")] = None
    spot_sd: Annotated[str | None, given_by("S[,S,S]", "Known s.d. of the spots along x, y[, z].  [default: fitted]")] = None
    plane: Annotated[int | None, given_by("J", "Wavelet plane to look in, 1 the finest.  [default: the clearest]")] = None
    threshold: Annotated[float | None, given_by("SD", "Least height of a spot there, in s.d.  [default: automatic]")] = None
    tilted: Annotated[bool, typer.Option("--tilted", help="The background around a spot may be a slope.")] = False
    reach: Annotated[float, typer.Option(metavar="SD", help="Half the side of the fitted window, in s.d. of a spot.")] = 3.0
    page: Annotated[int | None, given_by("N", "Page or channel of the file, 0 the first.  [default: the only one]")] = None
    apart: Annotated[float | None, given_by("D", "Leave out spots nearer than that to another, in the unit of the image.")] = None
    misfit: Annotated[float | None, given_by("SHARE", "Leave out spots that differ from their model by more than this share of "
                                                      "their height, such as 0.06.")] = None

    def detect(self, path: Path) -> Spots:
        """The spots of an image file."""
        from ..detection import detect, read_image

        image = read_image(path, self.page)
        if self.spacing is None and self.unit is not None and self.unit != image.unit:
            raise InputError(f"--unit is {self.unit!r} and {path} is in {image.unit}: give the size of a voxel with --spacing")
        spacing = image.spacing if self.spacing is None else numbers("--spacing", self.spacing)
        unit = image.unit if self.spacing is None else self.unit or "px"
        sd = None if self.spot_sd is None else numbers("--spot-sd", self.spot_sd)
        spots = detect(image.pixels, spacing, unit=unit, bright=not self.dark, camera=self._camera(), spot_sd=sd,
                       profile=self.profile, plane=self.plane, threshold=self.threshold, tilted=self.tilted, reach=self.reach)
        chosen = self.apart is not None or self.misfit is not None
        return spots.single(apart=self.apart, misfit=self.misfit) if chosen else spots

    def _camera(self) -> Camera | None:
        from ..detection import Camera

        if self.camera is None:
            return None
        given = numbers("--camera", self.camera)
        values = given if isinstance(given, tuple) else (given,)
        if len(values) not in (2, 3):
            raise InputError(f"--camera is {self.camera!r}: give gain,offset or gain,offset,read-noise")
        return Camera(*values)


def numbers(option: str, text: str) -> float | tuple[float, ...]:
    """One number, or several with commas between them."""
    values = numbers_in(text)
    if not values:
        raise InputError(f"{option} is {text!r}: give one number, or several with commas between them, x before y")
    return values if len(values) > 1 else values[0]


def detection(path: Path, choices: Detection, output: list[Path], force: bool) -> tuple[Spots, list[str]]:
    """Find the spots of a file and write them; the spots, and a line for each file written."""
    from ..files import check_free
    from ..reporting.spots import check_suffix

    for out in output:
        check_suffix(out)
        check_free(out, force)
    spots = choices.detect(path)
    for out in output:
        spots.save(out, force=force)
    return spots, [f"Saved as {out}." for out in output]

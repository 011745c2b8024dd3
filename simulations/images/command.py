"""The command ``regerr simulate images``: the same beads in a light and in an electron microscope, as OME-TIFF with the truth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from regerr.detection import Camera

from .._checks import check_count, check_dimension, check_not_negative, check_positive
from .._files import write_together
from .correlated import Correlated
from .electron import Electron
from .files import files_of
from .light import Light
from .scene import Field

LM_CAMERA, EM_CAMERA = Camera(2.1, 100.0, 1.6), Camera(20.0, 200.0, 2.0)


def images(
    output: Annotated[Path, typer.Option(help="Folder to write source.ome.tif, target.ome.tif and truth.json into.")],
    n: Annotated[int, typer.Option("--n", help="Beads that both images show.")] = 20,
    dimension: Annotated[int, typer.Option(help="2 or 3.")] = 2,
    photons: Annotated[float, typer.Option(help="Photons of a typical bead in the light microscope; they differ up to 3 times.")]
    = 3000.0,
    only_source: Annotated[int, typer.Option(help="Beads that the light microscope shows alone.")] = 3,
    only_target: Annotated[int, typer.Option(help="Beads that the electron microscope shows alone.")] = 3,
    structure: Annotated[float, typer.Option(help="S.d. of the logarithm of both backgrounds: 0 is flat.")] = 0.1,
    seed: Annotated[int, typer.Option(help="The same seed gives the same files.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that exist.")] = False,
) -> None:
    """Simulate a light and an electron micrograph of the same beads, with pixel sizes and a known truth.

    Example: regerr simulate images --n 25 --photons 1000 --output example
    """
    law = build(n, dimension, photons, only_source, only_target, structure)
    pair = law.sample(np.random.default_rng(check_count("--seed", seed, least=0)))
    options = {"seed": seed, "n": n, "dimension": dimension, "photons": photons, "only_source": only_source,
               "only_target": only_target, "structure": structure}
    write_together(output, files_of(pair, options), force)
    for name, kind in (("source", "A light"), ("target", "An electron")):
        typer.echo(f"{kind} micrograph of {len(getattr(pair, name).points)} beads: {output / f'{name}.ome.tif'}.")
    typer.echo(f"What is true of them: {output / 'truth.json'}.")
    for name, camera in (("source", LM_CAMERA), ("target", EM_CAMERA)):
        typer.echo(f"The camera of the {name}: --camera {camera.gain:g},{camera.offset:g},{camera.read_noise:g}")


def build(n: int, dimension: int, photons: float, only_source: int, only_target: int, structure: float) -> Correlated:
    """The law that the command's options describe, in micrometres; raises InputError with one sentence."""
    for name, value, least in (("--n", n, 1), ("--only-source", only_source, 0), ("--only-target", only_target, 0)):
        check_count(name, value, least)
    check_dimension(dimension)
    amount = check_positive("--photons", photons)
    contrast = check_not_negative("--structure", structure)
    flat = dimension == 2
    source = Light((amount / np.sqrt(3.0), amount * np.sqrt(3.0)), 0.13 if flat else (0.13, 0.13, 0.35), 10.0 if flat else 3.0,
                   contrast, 1.5, LM_CAMERA)
    target = Electron(0.1, contrast=contrast, length=0.15, edge=0.015, dose=60.0, camera=EM_CAMERA)
    fields = (Field((256, 256), 0.1, "µm"), Field((768, 768), 0.025, "µm")) if flat else (
        Field((24, 160, 160), (0.1, 0.1, 0.25), "µm"), Field((48, 256, 256), (0.05, 0.05, 0.1), "µm"))
    return Correlated(n, source, target, fields[0], fields[1], 1.0, only_source, only_target, 0.03, 1.2)

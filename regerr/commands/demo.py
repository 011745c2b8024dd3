"""The command ``regerr demo``: the whole chain on two simulated images that are shipped, from pixels to a page."""

from __future__ import annotations

import json
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ..detection import Spots

# What a user would say of each image to `regerr detect`: a light microscope's spots, and dark beads of an electron microscope.
_LOOKS: dict[str, dict[str, Any]] = {"light": {}, "electron": {"bright": False, "profile": "disc"}}
_SPACES = {"light": "source", "electron": "target"}


def demo(output: Annotated[Path, typer.Option(metavar="DIR", help="New folder for the points, the pairs and the page.")]
         = Path("regerr-demo")) -> None:
    """Run the chain on two simulated images of the same beads: detect, match, register, report.

    Example: regerr demo --output demo
    """
    from ..errors import InputError
    from ..io import write_pairs
    from ..matching import match
    from ..report import write
    from ..reporting.matchings import matching_report
    from ..results import fit

    if output.exists():
        raise InputError(f"{output} is there already: give another folder with --output")
    truth = json.loads((files("regerr") / "data" / "simulated_images.json").read_text(encoding="utf-8"))
    spots = {name: _detected(name, truth) for name in _LOOKS}
    found = match(spots["light"].to_points(), spots["electron"].to_points(), "rigid")
    result = fit(found.pairs, "rigid")
    output.mkdir(parents=True)
    for name, one in spots.items():
        one.save(output / f"{name}.csv")
    write_pairs(found.pairs, output / "pairs.csv")
    with as_file(files("regerr") / "data" / "simulated_electron.ome.tif") as image:
        write(result, output / "report.html", image=image, spacing=truth["target"]["spacing"][0],
              files=["simulated images"], title="Demonstration on simulated images")
    end = f"The images are simulated. Points, pairs and report.html are in {output}."
    typer.echo("\n\n".join([_count(spots), matching_report(found), result.summary(), end]))


def _detected(name: str, truth: dict[str, Any]) -> Spots:
    from ..detection import Camera, detect, read_image

    with as_file(files("regerr") / "data" / f"simulated_{name}.ome.tif") as path:
        image = read_image(path)
    camera = truth[_SPACES[name]]["camera"]
    return detect(image.pixels, image.spacing, unit=image.unit, camera=Camera(**camera), **_LOOKS[name])


def _count(spots: dict[str, Spots]) -> str:
    return "Beads found: " + ", ".join(f"{len(one.points)} in the {name} image" for name, one in spots.items()) + "."

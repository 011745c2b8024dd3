"""The command ``regerr``: each command reads, calls one public function, and prints.

Numerical libraries are loaded inside the commands, so that ``regerr --help`` answers at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .commands import checking, matching
from .commands.comparing import Question
from .commands.convert import Conversion
from .commands.demo import demo
from .commands.detecting import Detection
from .commands.fle import fle
from .commands.options import Assumption, Fitting, Input, given_by, read_targets, shared, targets_of
from .commands.reporting import Page
from .commands.shell import Commands

app = typer.Typer(name="regerr", cls=Commands, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False,
                  context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})

TARGETS = given_by("FILE", "Points in the source to predict: x, y[, z].")
KINDS = ("tre (where does the true point land?), lre (where is the true position of a feature localised here?) or observation "
         "(where will it be localised?).")
Json = Annotated[bool, typer.Option("--json", help="Print JSON for other programs instead of text.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite files that exist.")]


def _print_version(wanted: bool) -> None:
    if wanted:
        from . import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def root(version: Annotated[bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)]
         = False) -> None:
    """Tell how wrong a registration from matched points is, here, at this target.

    Start with: regerr fit beads.csv --targets targets.csv
    """


@app.command()
@shared
def fit(given: Input, fitting: Fitting, targets: Annotated[Path | None, TARGETS] = None,
        output: Annotated[Path | None, given_by("FILE", "Save the registration as JSON.")] = None,
        expect_scale: Annotated[str | None, given_by("S", "Test the scale of a similarity against this: a number, or two "
                                                          "pixel sizes, source/target.")] = None,
        remove_outliers: Annotated[bool, typer.Option("--remove-outliers", help="Leave out fiducials that disagree at 1 % "
                                                      "(Bonferroni), worst first; the regions then hold a little less.")] = False,
        json: Json = False, force: Force = False) -> None:
    """Register matched points, and say how far it can be trusted.

    Example: regerr fit beads.csv --model affine --targets targets.csv --output registration.json
    """
    from . import files, records
    from .reporting import sentences

    if output is not None:
        files.check_free(output, force)
    pairs = given.read()
    points = read_targets(targets, pairs)
    result = fitting.fit(given, given.without_excluded(pairs))
    gone = list(given.exclude or ())
    if remove_outliers:
        result, more = checking.without_outliers(result)
        gone += more
    scale = checking.expected_scale(given, fitting, result.pairs, expect_scale)
    if json:
        typer.echo(records.dumps(records.to_dict(result, points) | ({} if scale is None else scale.to_dict())), nl=False)
    else:
        before = [sentences.before_and_after(fitting.fit(given, pairs), result, gone)] if gone else []
        typer.echo("\n\n".join([*before, result.summary(points), *([] if scale is None else [str(scale)])]))
    if output is not None:
        records.save(result, output, force=force, targets=points)
        typer.echo(f"Saved as {output}.", err=True)


@app.command()
@shared
def predict(given: Input, fitting: Fitting, targets: Annotated[Path, TARGETS],
            kind: Annotated[str | None, given_by("KIND", f"{KINDS}  [default: all three]")] = None,
            level: Annotated[float, typer.Option(metavar="LEVEL", help="Nominal level of the regions, between 0 and 1.")] = 0.95,
            method: Annotated[str, typer.Option(metavar="METHOD", help="score, likelihood-ratio or wald; for landmarks placed by "
                                                "people interpolated-rank, mixture or rank.")] = "score",
            mesh: Annotated[Path | None, given_by("DIR", "Write the regions of 3D targets as meshes into this folder.")] = None,
            mesh_format: Annotated[str, typer.Option(metavar="FORMAT", help="Of the meshes: ply, obj or stl.")] = "ply",
            json: Json = False, force: Force = False) -> None:
    """Predict where targets land, with confidence regions.

    Example: regerr predict beads.csv --targets targets.csv --kind observation --level 0.99
    """
    from . import meshes
    from .commands import predicting
    from .reporting.forecasts import forecasts

    pairs = given.without_excluded(given.read())
    points = targets_of(targets, pairs)
    result = fitting.fit(given, pairs)
    found = forecasts(result, points, kind, level, method)
    written = () if mesh is None else meshes.write_regions(found, mesh, format=mesh_format, force=force)
    typer.echo(predicting.printed(result, points, found, json), nl=False)
    if mesh is not None:
        typer.echo(f"Wrote {sum(one.path is not None for one in written)} meshes into {mesh}.", err=True)


@app.command("map")
@shared
def map_(given: Input, fitting: Fitting,
         output: Annotated[list[Path], given_by("FILE", "What to write: .ome.tif or .ome.zarr (values), or .png, .pdf or .svg "
                                                        "(a picture); may be repeated.")],
         size: Annotated[str | None, given_by("WxH[xD]", "Pixels of the map.  [default: those of --image, else some 500 pixels "
                                                         "around the fiducials]")] = None,
         spacing: Annotated[str | None, given_by("S[,S,S]", "Pixel size along x, y[, z].  [default: 1]")] = None,
         origin: Annotated[str | None, given_by("X,Y[,Z]", "Centre of the first pixel.  [default: 0, or half a pixel "
                                                          "where points count from its corner]")] = None,
         image: Annotated[Path | None, given_by("FILE", "A TIFF of the map's field of view, to draw below the map.")] = None,
         space: Annotated[str, typer.Option(metavar="SPACE", help="The image of the map: source or target.")] = "source",
         kind: Annotated[str, typer.Option(metavar="KIND", help=KINDS)] = "tre",
         quantity: Annotated[str, typer.Option(metavar="QUANTITY", help="rms (r.m.s. deviation) or radius (of the region).")]
         = "rms",
         level: Annotated[float | None, given_by("LEVEL", "Nominal level of the radius.  [default: 0.95]")] = None,
         force: Force = False) -> None:
    """Map the expected deviation over an image, as values and as a picture.

    Example: regerr map beads.csv --model affine --output tre.ome.tif --output tre.png
    """
    from .commands import grids
    from .large_maps import LargeMap
    from .reporting.maps import map_report

    grids.check_outputs(output, force)
    result = fitting.fit(given, given.without_excluded(given.read()))
    grid = grids.grid_of(result, size, spacing, origin, image, space)
    options = {"kind": kind, "quantity": quantity, "level": level, "image": space}
    large = LargeMap(result, grid.shape, grid.spacing, grid.origin, options)
    spread = grids.write_all(large, output, image, force=force)
    typer.echo(map_report(large.header, spread, output))


@app.command("test")
@shared
def compare(given: Input, assumption: Assumption, question: Question, json: Json = False) -> None:
    """Test whether a simpler transformation is enough: rigid < similarity < affine.

    Example: regerr test beads.csv
    """
    from .records import dumps, ladder_to_dict

    ladder = question.ladder(given, assumption)
    typer.echo(dumps(ladder_to_dict(ladder)) if json else str(ladder), nl=not json)


@app.command()
@shared
def report(given: Input, fitting: Fitting, page: Page) -> None:
    """Write one page for a stranger: what was done, how wrong where, what to do next. It needs no network.

    Example: regerr report beads.csv --targets targets.csv --image target.tif --output report.html
    """
    page.check()
    result = fitting.fit(given, given.without_excluded(given.read()))
    for path in page.write(given, result):
        typer.echo(f"Wrote {path}.")


app.command()(checking.check)
app.command()(checking.audit)
app.command()(matching.match)
app.command()(fle)
app.command()(demo)


@app.command()
@shared
def convert(files: Annotated[list[Path], typer.Argument(metavar="FILE [FILE2] OUT", show_default=False,
                                                        help="One file to read, or one for each space; then the file to write.")],
            choices: Conversion) -> None:
    """Convert points, pairs and registrations to the formats of other programs.

    Example: regerr convert landmarks.csv beads.geojson --source-unit µm --source-pixel 0.1
    """
    from .commands.convert import convert as converted

    typer.echo(converted(files, choices))


@app.command()
@shared
def detect(image: Annotated[Path, typer.Argument(metavar="IMAGE", show_default=False, help="A TIFF, OME-TIFF or HDF5 file.")],
           choices: Detection, output: Annotated[list[Path] | None, given_by(
               "FILE", "Write places, s.d. and quality (.csv), or all that is known (.json); may be repeated.")] = None,
           json: Json = False, force: Force = False) -> None:
    """Find beads in an image and place them, each with the s.d. of its place.

    Example: regerr detect beads.ome.tif --camera 2.1,100,1.6 --output spots.csv
    """
    from .commands.detecting import detection
    from .records import dumps

    spots, done = detection(image, choices, output or [], force)
    typer.echo(dumps(spots.to_dict()) if json else spots.summary(), nl=not json)
    for line in done:
        typer.echo(line, err=True)


def main() -> None:
    """Entry point of the console script."""
    app()

"""The page docs/formats.md, from the cards of the formats: python docs/formats.py."""

from __future__ import annotations

from pathlib import Path

from regerr.io.formats import ALL, TRANSFORMS
from regerr.io.writing import WRITERS

PAGE = Path(__file__).with_name("formats.md")
HEAD = """# Files that are read and written

This page is made from the code by `python docs/formats.py`; a test compares the two.

A file is recognised by its content, whatever its name. `regerr.read_pairs(file)` reads pairs; `regerr.read_pairs(source, target)`
joins two files of points: by name when the names are unique in both, else row by row when the counts are equal, else it stops and
lists what stands on one side only. `regerr.read_points` reads targets, `regerr.read_transform` a transformation.

* Coordinates are always x, y[, z], whatever the order in the file; the pixel size of pixels is given along x, y[, z] too:
  `read_pairs(..., source_pixel_size=(0.1, 0.1, 0.3), source_unit="µm")`.
* A point that is switched off, hidden, not placed, or no point at all is not used, and is kept with the reason in `pairs.unused`.
* A standard deviation per point becomes its covariance, in the unit of its space.
* Some programs count pixels from the corner of the first, others from its centre; `pairs.source_origin`, `pairs.target_origin`
  and `points.origin` say which, where the file does. A registration does not mind, targets do: `regerr predict --targets`, `fit`
  and `convert --regions` count them as the source of the fiducials, and say so; in Python
  `read_points(..., origin=pairs.source_origin)`.
* A plain table says it in a column `pixel_origin` (pairs: `pixel_origin_source`, `pixel_origin_target`) of the words `centre` or
  `corner`. Its other columns: `used` (true or false), `reason` (why a row is not used), `gate` (with which probability a true
  pair passes the gate that chose the pairs, as `regerr match` writes it).
* RAS and LPS, as stated in the file, are converted to LPS when two files differ; so is a y that grows upwards, to downwards.
* Document types and entities of XML, archives that unpack to more than 256 MiB or lead out of themselves, and files above 1 GiB
  are refused.
"""

REGIONS = """## Confidence regions as overlays

`regerr convert beads.csv regions.geojson --regions targets.csv --level 0.95` fits the pairs and writes the outline of each
target's region in the target image, for QuPath (`.geojson`), ImageJ (`.zip`) or napari (`--to napari`, a shapes layer); in Python
`regerr.write_regions(result.predict(targets, kind="tre").region(), "regions.geojson")`. Where the target is a length,
`--target-pixel` gives the size of its pixels.
"""


def _table(rows: list[tuple[str, ...]], head: tuple[str, ...]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def page() -> str:
    """The whole page."""
    read = [(c.kind, c.files.replace(" ", ", ") if "(" not in c.files else c.files, c.holds, c.unit, c.frame, c.remarks, c.needs)
            for c in (one.CARD for one in ALL) if c.holds != TRANSFORMS[0].CARD.holds]
    transforms = [(c.kind, c.files.replace(" ", ", "), c.unit, c.frame, c.remarks) for c in (one.CARD for one in TRANSFORMS)]
    spaces = {(): "a registration", (1,): "points; pairs as two files, NAME_source and NAME_target", (2,): "pairs",
              (1, 2): "pairs or points"}
    written = [(f"`{w.name}`", w.kind, ", ".join(w.suffixes) or "name it", spaces[w.spaces], w.unit or "any",
                (w.origin or "as they were, and said") if w.spaces else "",
                "yes" if w.precise else "", "yes" if w.switch and w.spaces else "") for w in WRITERS.values()]
    return "\n".join([
        HEAD, "## Points and pairs\n",
        _table(read, ("format", "usual endings", "holds", "unit", "axes and zero", "what becomes of the rest", "library")),
        "The libraries come with `pip install 'regerr[io]'`.\n", "## Transformations\n",
        _table(transforms, ("format", "usual endings", "unit", "direction", "which")),
        "`read_transform` gives the way from source to target; ITK and elastix, which map the fixed image to the moving one, are "
        "inverted\n(`as_stored=True` leaves them). The moving image is the source.\n", "## Written\n",
        "By `regerr convert IN [IN2] OUT`, `regerr.write_pairs`, `regerr.write_points` and `regerr.write_transform`; what a "
        "format "
        "cannot hold is told.\n",
        _table(written, ("--to", "format", "ending", "holds", "unit", "zero of pixels", "keeps s.d.", "keeps unused points")),
        "`itk` is the way from target to source, which Slicer, SimpleITK and ANTs need to resample the source image on the "
        "grid of "
        "the target; it\nsays so in its second line. `ngff` has both ways, `source_to_target` and `target_to_source`. `json` "
        "has both, "
        "the pairs, and the covariance of\nall parameters, `T(x) = c + A (x - centre)`.\n", REGIONS])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

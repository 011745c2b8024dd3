"""Draw all figures of a folder of results, and write them with their captions and the page that shows them."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pandas as pd

from regerr.errors import InputError

from . import page, style

# In the order of a paper
FIGURES = (
    "distance_coverage_gathered", "distance_coverage_uniform", "distance_area_gathered", "distance_area_uniform",
    "boxes_gathered", "boxes_uniform", "coverage_table", "coverage_n_icip", "beads", "map", "coverage_n_regions",
    "noise_rigid", "noise_similarity", "noise_affine", "verdicts_icip", "verdicts_regions",
)


@dataclass(frozen=True)
class Drawn:
    """A figure that was written.

    Attributes
    ----------
    name, title, caption : str
    files : tuple of str
        Their names in the folder of figures: PDF and PNG first.
    """

    name: str
    title: str
    caption: str
    files: tuple[str, ...]


def build(results: Path) -> Path:
    """Write ``figures/`` and ``index.html`` into a folder of results; returns the page.

    Raises
    ------
    InputError
        When tables are missing: all of them are named.
    """
    modules = {name: import_module(f"{__package__}.figures.{name}") for name in FIGURES}
    tables = read(results, sorted({need for module in modules.values() for need in module.NEEDS}))
    folder = results / "figures"
    folder.mkdir(exist_ok=True)
    drawn = [_write(name, module, tables, folder) for name, module in modules.items()]
    (folder / "captions.md").write_text("".join(f"**{d.title}.** {d.caption}\n\n" for d in drawn), encoding="utf-8")
    index = results / "index.html"
    index.write_text(page.page(drawn, tables, sorted(p.relative_to(results).as_posix() for p in results.glob("*/*.csv"))),
                     encoding="utf-8")
    return index


def read(results: Path, names: list[str]) -> dict[str, pd.DataFrame]:
    """Tables by name (``study/table``), or an InputError that names all that are missing."""
    paths = {name: results / f"{name}.parquet" for name in names}
    missing = [name for name, path in paths.items() if not path.is_file()]
    if missing:
        studies = sorted({name.split("/")[0] for name in missing})
        commands = " and ".join(f"regerr study {study} --output {results}" for study in studies)
        raise InputError(f"{results} lacks the tables {', '.join(missing)}: run {commands}")
    return {name: pd.read_parquet(path) for name, path in paths.items()}


def _write(name: str, module: ModuleType, tables: dict[str, pd.DataFrame], folder: Path) -> Drawn:
    files = list(style.save(module.draw(tables), folder, name))
    for suffix, make in getattr(module, "EXTRAS", {}).items():
        extra = folder / f"{name}.{suffix}"
        extra.write_text(make(tables), encoding="utf-8")
        files.append(extra)
    return Drawn(name, module.TITLE, module.caption(tables), tuple(path.name for path in files))

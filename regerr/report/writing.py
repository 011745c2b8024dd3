"""Reports as files: the page, and its figures for a paper."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError, MissingExtraError, RegistrationWarning
from ..files import check_free, write_file, write_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..results import RegistrationResult
    from .picture import Picture
    from .scene import Drawing


def write(result: RegistrationResult, path: str | Path, *, targets: Any = None, image: Any = None, spacing: Any = None,
          origin: Any = None, page: int | None = None, figures: str | Path | None = None, files: Sequence[str] = (),
          title: str | None = None, force: bool = False) -> list[Path]:
    """Write a report on one registration: one page that needs no network, and nothing beside it.

    Parameters
    ----------
    result : RegistrationResult
        Of one dataset.
    path : str or Path
        The page, ``.html``.
    targets : (m, d) array or `regerr.io.Points`, optional
        Points of the source to predict, source units.
    image : (y, x) or (z, y, x) array or path of a TIFF file, optional
        An image of the target, to draw below the figures: a picture in 2D, a stack in 3D.
    spacing : float or (d,), optional
        Its pixel size, x before y before z, target units; by default that of the file's OME or ImageJ metadata, and 1 where the
        target is in pixels.
    origin : float or (d,), optional
        Centre of its first pixel, target units; half a pixel where the fiducials count from its corner, else 0.
    page : int, optional
        Of a file with several: which page in 2D, which channel in 3D; from 0.
    figures : str or Path, optional
        A folder for the figures as PDF; it is made when it is not there.
    files : sequence of str, optional
        Where the pairs came from, for the heading.
    title : str, optional
        Another heading.
    force : bool
        Whether to overwrite files that exist.

    Returns
    -------
    list of Path
        What was written, the page first.

    Raises
    ------
    InputError
        For a batch, an image or a path that cannot be used, and for files that exist unless ``force``; nothing is left half
        written.
    UndeterminedError
        For a dataset without a fit.
    MissingExtraError
        Without matplotlib.
    """
    from .contents import gather
    from .figures import figures as drawings_of
    from .page import page as page_of

    target = _checked(Path(path), ".html", force)
    picture = _picture(result, image, spacing, origin, page)
    contents = gather(result, targets, files)
    with _drawing():
        drawings = drawings_of(contents, picture)
        text = page_of(contents, drawings, title)
        places = [] if figures is None else _free(Path(figures), drawings, force)
        write_text(target, text, force=force)
        for place, drawing in zip(places, drawings, strict=False):
            _write_figure(drawing, place, force)
    return [target, *places]


def _picture(result: RegistrationResult, image: Any, spacing: Any, origin: Any, page: int | None) -> Picture | None:
    from .picture import picture_of

    pairs = result.pairs
    if image is None or pairs.batch_shape:
        return None
    return picture_of(image, pairs.target, pairs.target_unit, spacing, origin, page,
                      pairs.target_origin == "corner")


@contextmanager
def _drawing() -> Iterator[None]:
    """Settings of all figures; what the library warns of is said on the page."""
    try:
        from matplotlib import rc_context
    except ImportError:
        raise MissingExtraError("a report needs the library matplotlib, which is not installed: install it with "
                                "pip install 'regerr[plot]'") from None
    from .vector import DRAWN

    settings: Any = DRAWN
    with rc_context(settings), warnings.catch_warnings():
        warnings.simplefilter("ignore", RegistrationWarning)
        yield


def _checked(path: Path, suffix: str, force: bool) -> Path:
    """A path of that suffix that may be written."""
    if path.suffix.lower() != suffix:
        raise InputError(f"{path} ends in {path.suffix or 'no suffix'!r}: give a name that ends in {suffix}")
    check_free(path, force)
    return path


def _free(folder: Path, drawings: Sequence[Drawing], force: bool) -> list[Path]:
    """Where the figures go, all of them free, and the folder there."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file: give a folder for the figures")
    places = [folder / f"{drawing.name}.pdf" for drawing in drawings]
    for place in places:
        check_free(place, force)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise InputError(f"cannot make the folder {folder} ({fault.strerror or fault}): choose another place") from None
    return places


def _write_figure(drawing: Drawing, place: Path, force: bool) -> None:
    write_file(place, lambda file: drawing.figure.savefig(file, metadata={"CreationDate": None}), force=force)

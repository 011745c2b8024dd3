"""The report: complete, in plain words, in one file that fetches nothing, whatever names the pairs have."""

from __future__ import annotations

import re
import warnings
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from typer.testing import CliRunner

import regerr
from regerr import FiducialPairs, InputError, RegistrationResult, RegistrationWarning, UndeterminedError, report
from regerr.cli import app
from regerr.report import markup, sections, views
from regerr.report.contents import gather
from regerr.report.figures import figures
from regerr.report.picture import picture_of
from regerr.report.tables import table
from regerr.report.vector import DRAWN, inline
from regerr.report.views import reordered

SECTIONS = ["What to do next", "Pictures", "How wrong, where", "The fiducials", "Is it only noise?", "What was done",
            "The transformation", "For a methods section", "What the numbers mean"]
HOSTILE = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "$\\frac{a}{", "a & b", "\u202eevil", "n" * 200,
           "]]></svg><script>1</script>", "&lt;b&gt;")
VOID = {"meta", "br"}


def made(n: int = 9, d: int = 2, sd: float = 1.0, seed: int = 1, model: str = "rigid", noise: Any = "both",
         **more: Any) -> RegistrationResult:
    """A registration of noisy points in a field of 100 units."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 100, (n, d))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RegistrationWarning)
        return regerr.fit(FiducialPairs(x, x + 20 + rng.normal(0, sd, x.shape), **more), model, noise)


class Page(HTMLParser):
    """Tags with their attributes, text outside of them, and whether every tag is closed by its own."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.said: list[str] = []
        self.balanced = True
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.balanced &= bool(self.open) and self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "svg"}.intersection(self.open):
            self.said.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.said).split())

    def names(self) -> set[str]:
        return {tag for tag, _ in self.tags}


def written(result: RegistrationResult, folder: Path, **options: Any) -> Page:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        path, *_ = report.write(result, folder / "report.html", force=True, **options)
    return Page(path.read_text(encoding="utf-8"))


# The page as a whole


@pytest.mark.parametrize(("d", "model"), [(2, "rigid"), (3, "affine")])
def test_a_page_has_every_section(tmp_path: Path, d: int, model: str) -> None:
    page = written(made(d=d, model=model), tmp_path, targets=np.full((2, d), 40.0) + np.eye(2, d), files=["beads.csv"])
    assert page.balanced and not page.open
    assert all(title in page.words for title in SECTIONS)
    assert [attrs["aria-label"] for tag, attrs in page.tags if tag == "svg"] == \
        ["Fiducials on the target", "Residuals, magnified", "95 % regions", "Map of the 95 % radius"]
    assert "Within the field of the 9 fiducials the 95 % radius is" in page.words
    assert page.words.count("r.m.s. (px)") >= 3 and "Observation, where a feature" in page.words
    assert sum(tag == "h1" for tag, _ in page.tags) == 1


def test_a_page_fetches_nothing_and_runs_nothing(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 255, (120, 120)).astype(np.uint8)
    page = written(made(), tmp_path, image=image)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    pixels = re.compile(r"data:image/png;base64,[\w+/=\s]+")
    assert pixels.search(text) and not re.search(r"https?:|//[a-z]|@import|javascript:", pixels.sub("", text), re.I)
    assert page.names().isdisjoint({"script", "link", "iframe", "object", "embed", "base", "form", "a", "img"})
    for _, attrs in page.tags:
        assert not any(key.startswith("on") for key in attrs)
        for key in ("href", "src", "xlink:href"):
            assert (attrs.get(key) or "#").startswith(("#", "data:image/png;base64,"))
    policy = next(attrs["content"] for _, attrs in page.tags if attrs.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None and policy.startswith("default-src 'none'")


def test_the_same_pairs_give_the_same_page(tmp_path: Path) -> None:
    first, second = tmp_path / "a.html", tmp_path / "b.html"
    for path in (first, second):
        report.write(made(d=3), path)
    assert first.read_bytes() == second.read_bytes()


def test_ids_are_unique_and_every_reference_has_one(tmp_path: Path) -> None:
    page = written(made(d=3), tmp_path)
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids)) > 50
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    used = set(re.findall(r"url\(#([^)]+)\)", text)) | set(re.findall(r'href="#([^"]+)"', text))
    assert used and used <= set(ids)


# Names from files


@pytest.mark.parametrize("d", [2, 3])
def test_hostile_names_are_text(tmp_path: Path, d: int) -> None:
    result = made(len(HOSTILE), d, names=HOSTILE, source_unit="<i>", target_unit='nm"><b>')
    plain = written(made(len(HOSTILE), d), tmp_path)
    page = written(result, tmp_path, targets=regerr.Points(np.full((1, d), 50.0), ("<svg onload=alert(1)>",), "<i>"),
                   files=["<script>beads</script>.csv"], title=None)
    assert page.balanced and not page.open
    assert page.names() == plain.names()
    assert all(name in page.words for name in HOSTILE if name.isprintable())
    assert "<script>beads</script>.csv" in page.words and "<svg onload=alert(1)>" in page.words
    assert "\u202e" not in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_the_check_of_hostile_names_sees_one_that_gets_through() -> None:
    assert "script" in Page(markup.element("p", markup.Markup(HOSTILE[0]))).names()
    assert "script" not in Page(markup.element("p", HOSTILE[0])).names()


@pytest.mark.parametrize("text", [*HOSTILE, "'", '"', "<", ">", "&", "\x00", "\ud800", "\u200b"])
def test_every_text_comes_back_as_it_was(text: str) -> None:
    """But for what cannot be seen, in elements and in attributes alike."""
    page = Page(markup.element("p", text, title=text))
    ((tag, attrs),) = page.tags
    assert tag == "p" and attrs == {"title": markup.visible(text)}
    assert "".join(page.said) == markup.visible(text)
    assert not re.search("[\x00\u202e\u200b\ud800]", markup.visible(text))


def test_tables_name_rows_and_columns_and_mark_what_to_look_at() -> None:
    page = Page(table("T<", ": what", ["", "x (nm)"], [["a<b", 1], ["c", 2]], [True, False]))
    assert page.balanced
    assert [attrs.get("scope") for tag, attrs in page.tags if tag == "th"] == ["col", "col", "row", "row"]
    assert [attrs.get("class") for tag, attrs in page.tags if tag == "tr"] == [None, "marked", None]
    assert "T< : what" in page.words and "a<b" in page.words


def test_a_dollar_sign_begins_no_formula() -> None:
    with matplotlib.rc_context(DRAWN):
        figure = Figure()
        figure.add_subplot().set_title("$\\frac{")
        assert inline(figure, "f", "words").startswith("<svg")


# Figures


def test_a_view_is_the_same_registration() -> None:
    covariance = np.tile(np.diag([1.0, 2.0, 3.0]), (9, 1, 1))
    for result in (made(d=3), made(d=3, model="affine"), made(d=3, target_covariance=covariance)):
        order = (2, 1, 0)
        other = reordered(result, order)
        x = result.pairs.source
        np.testing.assert_allclose(other.transform.apply(x[:, order]), result.transform.apply(x)[:, order], atol=1e-5)
        np.testing.assert_allclose(other.predict(x[:, order], "tre").rms, result.predict(x, "tre").rms, rtol=1e-4)


def test_figures_are_written_as_pdf(tmp_path: Path) -> None:
    paths = report.write(made(d=3), tmp_path / "r.html", figures=tmp_path / "deep" / "figures")
    assert [path.name for path in paths] == ["r.html", "overlay.pdf", "residuals.pdf", "regions.pdf", "map.pdf"]
    assert all(path.read_bytes().startswith(b"%PDF") for path in paths[1:])
    with pytest.raises(InputError, match="already exists"):
        report.write(made(d=3), tmp_path / "s.html", figures=tmp_path / "deep" / "figures")
    assert not (tmp_path / "s.html").exists()


def test_a_volume_is_drawn_from_three_sides() -> None:
    for drawing in figures(gather(made(d=3))):
        labels = [(ax.get_xlabel()[0], ax.get_ylabel()[0]) for ax in drawing.figure.axes if ax.get_xlabel()]
        assert labels[:3] == [("x", "y"), ("z", "y"), ("x", "z")]


def test_a_large_image_is_thinned_and_stays_in_place() -> None:
    image = np.zeros((3300, 5000), np.uint16)
    image[1600:1608, 2400:2408] = 1000
    plane = picture_of(image, np.full((1, 2), 50.0), "nm", 0.5, (10.0, 20.0)).seen((0, 1))
    assert max(plane.pixels.shape) <= 1600
    row, column = np.unravel_index(np.argmax(plane.pixels), plane.pixels.shape)
    place = np.array(plane.origin) + np.array([column, row]) * plane.spacing
    np.testing.assert_allclose(place, [10 + 0.5 * 2403.5, 20 + 0.5 * 1603.5], atol=1.6)


def test_a_page_of_many_fiducials_stays_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    everything = written(made(12), tmp_path)
    monkeypatch.setattr(sections, "_ROWS", 4)
    monkeypatch.setattr(views, "_RASTER", 10)
    page = written(made(12), tmp_path)
    assert "And 8 more, which agree better." in page.words and "more, which agree" not in everything.words
    rows, images = ([sum(tag == name for tag, _ in one.tags) for one in (everything, page)] for name in ("tr", "image"))
    assert rows[0] - rows[1] == 8 and images[1] > images[0]


# Bad input, and files


def test_refusals_are_one_sentence_and_leave_nothing(tmp_path: Path) -> None:
    result, page = made(), tmp_path / "report.html"
    rng = np.random.default_rng(1)
    batch = regerr.fit(FiducialPairs(rng.normal(size=(3, 5, 2)), rng.normal(size=(3, 5, 2))))
    line = np.linspace(0, 1, 5)[:, None] * np.ones(3)
    failed = regerr.fit(FiducialPairs(line, line + 1), on_failure="mark")
    cases: list[tuple[RegistrationResult, Path, dict[str, Any], type[Exception], str]] = [
        (batch, page, {}, InputError, r"3 registrations.*use result\[i\]"),
        (failed, page, {}, UndeterminedError, "one line"),
        (result, tmp_path / "report.pdf", {}, InputError, "ends in '.pdf': give a name that ends in .html"),
        (result, tmp_path, {}, InputError, "give a name that ends in .html"),
        (result, tmp_path / "none" / "r.html", {}, InputError, "cannot write"),
        (result, page, {"image": np.zeros((5, 5, 7))}, InputError, "give one picture"),
        (result, page, {"image": np.zeros((5, 5)), "spacing": -1}, InputError, "a length above 0"),
        (result, page, {"image": np.zeros((5, 5)), "spacing": (1, 2, 3)}, InputError, "one number, or two"),
        (result, page, {"image": tmp_path / "no.tif"}, InputError, "there is no such file"),
        (result, page, {"targets": [[1.0, 2.0, 3.0]]}, InputError, "targets have shape"),
        (made(d=3), page, {"image": np.zeros((5, 5))}, InputError, "3D fiducials need a stack"),
        (result, page, {"image": np.zeros((5, 5))}, InputError, "no fiducial of the target lies in the image"),
        (made(target_unit="nm"), page, {"image": np.zeros((200, 200))}, InputError, "does not tell how large its pixels are"),
    ]
    for given, path, options, fault, words in cases:
        with pytest.raises(fault, match=words) as raised:
            report.write(given, path, **options)
        assert "\n" not in str(raised.value)
    assert not list(tmp_path.iterdir())


def test_an_existing_page_needs_force(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text("mine")
    with pytest.raises(InputError, match="already exists"):
        report.write(made(), page)
    assert page.read_text() == "mine"
    assert made().report(page, force=True) == [page]
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_an_interrupted_report_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Figure, "savefig", stop)
    with pytest.raises(KeyboardInterrupt):
        report.write(made(), tmp_path / "report.html", figures=tmp_path / "figures")
    assert not list(tmp_path.glob("*.html")) and not list(tmp_path.rglob(".unfinished*"))


# The command


def test_the_command_writes_a_page_from_files(tmp_path: Path) -> None:
    tifffile = pytest.importorskip("tifffile")
    rng = np.random.default_rng(1)
    x = rng.uniform(0, 100, (9, 2))
    rows = "\n".join(",".join([f"b{i}", *(f"{v:.4f}" for v in (*a, *b))]) for i, (a, b) in
                     enumerate(zip(x, x + rng.normal(0, 1, x.shape), strict=True)))
    (tmp_path / "beads.csv").write_text("name,x_source (nm),y_source (nm),x_target (nm),y_target (nm)\n" + rows)
    (tmp_path / "targets.csv").write_text("name,x (nm),y (nm)\ncell,50,50\n")
    tifffile.imwrite(tmp_path / "image.tif", rng.integers(0, 255, (2, 64, 64)).astype(np.uint8), photometric="minisblack")
    page = tmp_path / "out.html"
    run = CliRunner().invoke(app, ["report", str(tmp_path / "beads.csv"), "--targets", str(tmp_path / "targets.csv"), "--image",
                                   str(tmp_path / "image.tif"), "--page", "1", "--spacing", "2", "--output", str(page),
                                   "--figures", str(tmp_path / "figures")])
    assert run.exit_code == 0, run.output
    assert run.output.count("Wrote") == 5
    assert {"beads.csv", "cell"} <= set(re.findall(r"[\w.]+", Page(page.read_text(encoding="utf-8")).words))


@pytest.mark.parametrize(("options", "words"), [
    (["--spacing", "2"], "--spacing tell"), (["--image", "two.tif"], "holds 2 pages: choose one with --page 0 to 1"),
    (["--image", "two.tif", "--page", "7"], "has no page 7"), (["--image", "beads.csv"], "cannot be read as a TIFF image"),
    (["--output", "page.txt"], "ends in '.txt'"), (["--image", "two.tif", "--page", "0", "--spacing", "a"], "--spacing is 'a'")])
def test_the_command_refuses_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str],
                                             words: str) -> None:
    tifffile = pytest.importorskip("tifffile")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "beads.csv").write_text("x_source,y_source,x_target,y_target\n0,0,1,1\n9,0,10,1.2\n9,9,10,10\n0,9,1.1,10\n")
    tifffile.imwrite("two.tif", np.zeros((2, 8, 8), np.uint8), photometric="minisblack")
    run = CliRunner().invoke(app, ["report", "beads.csv", *options])
    assert run.exit_code == 2
    assert words in " ".join(run.stderr.split()) and "Traceback" not in run.output
    assert not (tmp_path / "report.html").exists()

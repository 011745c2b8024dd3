"""What people read: the verdict first, in the sample's own names, with units, and never a word too sure."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

import regerr
from regerr import FiducialPairs, InputError, Noise, RegistrationWarning, Unused, compare_models
from regerr.deformation import compare_ladder
from regerr.io import Points
from regerr.reporting.findings import doubt, find
from regerr.reporting.forecasts import forecast, forecasts
from regerr.reporting.sentences import before_and_after, forecast_report, forecasts_report, opening_sentence, verdict
from regerr.reporting.text import WIDTH, decimals_for, fixed, number, p_text, paragraph, plus_minus, table

CASES: list[tuple[str, str | Noise]] = [("rigid", "both"), ("similarity", "both"), ("affine", "both"), ("affine", "target"),
                                        ("affine", "full"), ("rigid", Noise(1.0, scale=1.5))]


def simulate(n: int = 10, d: int = 2, noise: float = 1.0, seed: int = 0, linear=None, **more) -> FiducialPairs:
    rng = np.random.default_rng([seed, d])
    x = 100.0 * rng.standard_normal((n, d))
    y = x if linear is None else x @ np.asarray(linear).T
    more.setdefault("names", [f"bead {i + 1}" for i in range(n)])
    return FiducialPairs(x + noise * rng.standard_normal(x.shape), y + noise * rng.standard_normal(x.shape), **more)


def thin(seed: int = 0) -> FiducialPairs:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((6, 2)) * (100.0, 2.0)
    return FiducialPairs(x + 3.0 * rng.standard_normal(x.shape), x + 3.0 * rng.standard_normal(x.shape))


def everything() -> list[str]:
    """Every text that the library writes, in many situations."""
    texts = [regerr.fit(simulate(d=d, source_unit="px", target_unit="nm", linear=100.0 * np.eye(d)), model,
                        noise).summary(np.full((2, d), 400.0)) for model, noise in CASES[1:5] for d in (2, 3)]
    result = regerr.fit(thin(), "affine")
    texts += [result.summary([[100.0, 300.0]]), forecasts_report(result, forecasts(result, [[100.0, 300.0]]))]
    texts += [str(compare_ladder(simulate(n))) for n in (3, 10)] + [str(compare_models(simulate(), "rigid", "affine"))]
    return [*texts, before_and_after(regerr.fit(simulate()), regerr.fit(simulate().drop("bead 3")), ["bead 3"])]


# Numbers


@pytest.mark.parametrize(("value", "text"), [
    (12.3456, "12.3"), (0.0123456, "0.0123"), (123456.0, "123456"), (1.5e9, "1.50e+09"), (1e-7, "1.00e-07"), (0.0, "0"),
    (-2.0, "-2.00"), (math.inf, "unbounded"), (math.nan, "-"),
])
def test_number(value, text):
    assert number(value) == text


@pytest.mark.parametrize(("value", "sd", "unit", "text"), [
    (12.3456, 0.0512, "deg", "12.346 ± 0.051°"), (1.0002, 0.0011, "", "1.0002 ± 0.0011"),
    (370.2, 29.4, "nm per px", "370 ± 29 nm per px"),
    (5.0, 0.0, "nm", "5.00000 ± 0.00000 nm"), (5.0, math.inf, "nm", "5.00 nm, no bound"), (-0.0001, 0.5, "", "0.00 ± 0.50"),
])
def test_plus_minus(value, sd, unit, text):
    assert plus_minus(value, sd, unit) == text


@pytest.mark.parametrize(("p", "text"), [(0.8, "0.80"), (1.0, "1.00"), (0.0512, "0.051"), (0.00037, "0.00037"),
                                         (3e-9, "< 0.0001"), (0.0, "< 0.0001"), (math.nan, "-"), (0.0997, "0.10")])
def test_p_text(p, text):
    assert p_text(p) == text


def test_decimals():
    assert [decimals_for(s) for s in (0.051, 1.2, 29.0, 0.0, math.inf)] == [3, 1, 0, 3, 3]
    assert fixed(-0.0004, 2) == "0.00" and fixed(-0.4, 1) == "-0.4" and fixed(math.inf, 2) == "unbounded"


def test_tables_are_aligned():
    lines = table(["", "a"], [["x", "1.0"], ["long name", "10.0"]]).splitlines()
    assert len({len(line) for line in lines}) == 1 and lines[1].startswith("  x ") and lines[1].endswith(" 1.0")


def test_paragraphs_fit_a_terminal():
    assert all(len(line) <= WIDTH for line in paragraph("word " * 100).splitlines())


# The summary


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize(("model", "noise"), CASES)
def test_a_summary_has_its_parts_in_order(model, noise, d):
    text = regerr.fit(simulate(d=d), model, noise).summary(np.zeros((1, d)))
    parts = ["At the centre of the 10 fiducials", f"Transformation: {model}", "  FLE ", "  FRE ", "Predicted TRE",
             "Fiducials, worst first", f"regerr {regerr.__version__}"]
    places = [text.index(part) for part in parts]
    assert places == sorted(places) and places[0] == 0
    assert all(f"bead {i + 1}" in text for i in range(10))


def test_the_verdict_has_the_numbers_of_the_regions():
    """Centre and worst fiducial, to two digits and with the unit; and 95 % of what is said is true is tested elsewhere."""
    result = regerr.fit(simulate(target_unit="µm", source_unit="µm"))
    found = find(result)
    first = verdict(found)[0]
    assert f"within {number(found.centre.radius[0], 2)} µm, and everywhere between them to within " in first
    assert f"{number(found.edge.radius[0], 2)} µm, with 95 % confidence at each point" in first
    assert verdict(found)[1:] == ["No fiducial disagrees with the others."]


def test_both_units_where_they_differ():
    """A length of the target, and what it is in the source."""
    pairs = simulate(linear=[[110.0, 0.0], [0.0, 110.0]], noise=0.0, source_unit="px", target_unit="nm")
    rng = np.random.default_rng(1)
    target = pairs.target + 11.0 * rng.standard_normal(pairs.target.shape)
    pairs = FiducialPairs(pairs.source, target, source_unit="px", target_unit="nm")
    result = regerr.fit(pairs, "similarity", "target")
    text = result.summary()
    nm, px = re.search(r"FLE +([\d.]+) nm \(([\d.]+) px of the source\)", text).groups()  # type: ignore[union-attr]
    assert float(nm) / float(px) == pytest.approx(110.0, rel=0.1)
    assert "nm per px" in text and "radius (px)" in text


def test_a_suspicious_fiducial_is_named_with_what_to_do():
    pairs = simulate()
    target = pairs.target.copy()
    target[6] += (15.0, 15.0)
    result = regerr.fit(FiducialPairs(pairs.source, target, names=pairs.names))
    said = verdict(find(result))[1]
    assert said.startswith("'bead 7' does not agree with the other fiducials") and "as the worst of 10" in said
    assert "leave it out" in said and number(float(np.linalg.norm(result.leave_one_out()[6])), 2) + " px" in said
    assert re.search(r"bead 7 .*<- look", result.summary()) and result.summary().count("<- look") == 1


def test_several_suspicious_fiducials():
    pairs = simulate(14)
    target = pairs.target.copy()
    target[[2, 9]] += ((60.0, 0.0), (0.0, -60.0))
    said = " ".join(verdict(find(regerr.fit(FiducialPairs(pairs.source, target, names=pairs.names)))))
    assert "'bead 3'" in said and "'bead 10'" in said and "too." in said


def test_too_few_to_judge():
    assert "3 fiducials are too few" not in regerr.fit(simulate(3)).summary()
    assert "2 fiducials are too few to check any of them against the others: one more" in regerr.fit(simulate(2)).summary()
    assert "4 fiducials are too few" in regerr.fit(simulate(4), "affine", "target").summary()


def test_targets_outside_are_said_aloud():
    result = regerr.fit(simulate())
    assert "outside" not in verdict(find(result, result.pairs.source[:2]))[-1]
    points = np.array([result.pairs.source[0], [900.0, 0.0], [0.0, -400.0]])
    said = verdict(find(result, Points(points, ("in", "far", "near"))))[-1]
    assert "2 of 3 targets lie outside the fiducials ('far', 'near')" in said and "rigid" in said
    assert "'far'" in said.split(")")[1]
    assert verdict(find(result, Points(np.array([[900.0, 0.0]]), ("far",))))[-1].startswith("Target 'far' lies outside")


def test_an_unbounded_region_says_where_why_and_what_would_close_it():
    result = regerr.fit(thin(), "affine")
    found = find(result, [[100.0, 300.0]])
    text = result.summary([[100.0, 300.0]])
    assert found.opening is not None and opening_sentence(found.opening, result) in " ".join(text.split())
    assert "has no end along" in text and "a new fiducial near" in text and "farther off" in text and "unbounded" in text
    assert "ordinary regression" in text and "94 to 95 %" in text


def test_the_pairs_speak_against_the_model():
    """Named with the model to take; not for a model that is right."""
    stretched = regerr.fit(simulate(20, linear=[[1.1, 0.0], [0.0, 1.0]]))
    assert "the pairs say that it is not: an affine one fits better" in " ".join(stretched.summary().split())
    assert "pairs say" not in regerr.fit(simulate(20, linear=[[1.1, 0.0], [0.0, 1.0]]), "affine").summary()
    said = " ".join(regerr.fit(simulate(20, linear=[[50.0, 0.0], [0.0, 50.0]])).summary().split())
    assert "Fit a similarity model" in said and "times as widely as the source: check that both are in one unit" in said
    assert not [i for i in range(40) if doubt(regerr.fit(simulate(seed=i)))][3:]  # 1 % each


def test_pairs_that_fit_exactly():
    pairs = simulate(noise=0.0)
    with pytest.warns(RegistrationWarning, match="exactly"):
        text = regerr.fit(pairs).summary()
    assert text.startswith("The pairs fit exactly, to rounding.") and "p =" not in text and "disagrees" not in text


def test_mirrored():
    text = regerr.fit(simulate(linear=[[1.0, 0.0], [0.0, -1.0]]), "affine").summary()
    assert "mirrored" in text and "y of the source was flipped" in text
    assert "mirrored" not in regerr.fit(simulate(), "affine").summary()


def test_unused_pairs_are_listed_with_their_reason():
    pairs = simulate(unused=[Unused("Pt-9", "disabled in the file")]).drop("bead 2", reason="excluded")
    text = regerr.fit(pairs).summary()
    assert "Not used: 2 of 11 pairs, 'Pt-9' (disabled in the file); 'bead 2' (excluded)." in " ".join(text.split())


def test_many_fiducials_and_targets_are_cut():
    text = regerr.fit(simulate(60)).summary(np.zeros((40, 2)) + np.arange(40)[:, None])
    assert "... and 35 more, which agree better" in text and "... and 15 more targets" in text
    assert len(text.splitlines()) < 100


def test_a_batch_in_one_sentence():
    x = simulate().source + np.zeros((5, 1, 1))
    rng = np.random.default_rng(2)
    result = regerr.fit(FiducialPairs(x + rng.standard_normal(x.shape), x + rng.standard_normal(x.shape)))
    text = result.summary()
    assert text.startswith("5 rigid registrations of 10 pairs each") and "result[i]" in text and "\n" not in text
    with pytest.raises(InputError):
        find(result)


# Predictions


def test_the_three_questions():
    result = regerr.fit(simulate())
    kinds = ("tre", "lre", "observation")
    heads = {kind: forecast_report(result, forecast(result, [[0.0, 0.0]], kind)).splitlines() for kind in kinds}
    assert heads["tre"][0].startswith("TRE: where does the true position")
    assert "localised in the target?" in heads["observation"][0]
    assert "Assumes that both images are equally noisy, as seen in the target" in " ".join(heads["lre"][:2])
    assert "the points cannot tell" in " ".join(heads["lre"][:2])
    assert not any("Assumes" in line for kind in ("tre", "observation") for line in heads[kind])
    for noise, words in (("source", "all noise is in the source"), (Noise(0.25), "the source has 0.25 times the variance")):
        other = regerr.fit(simulate(), "affine", noise)
        assert words in " ".join(forecast_report(other, forecast(other, [[0.0, 0.0]], "lre")).split())


def test_predictions_say_what_speaks_against_them():
    """Targets outside, and a model that the pairs reject; nothing of the kind where all is well."""
    stretched = regerr.fit(simulate(20, linear=[[1.1, 0.0], [0.0, 1.0]]))
    text = " ".join(forecasts_report(stretched, forecasts(stretched, [[900.0, 0.0]])).split())
    assert "Target '1' lies outside the fiducials" in text and "the pairs say that it is not" in text
    sound = regerr.fit(simulate(20))
    text = " ".join(forecasts_report(sound, forecasts(sound, sound.pairs.source[:1])).split())
    assert "outside" not in text and "pairs say" not in text


def test_a_table_of_predictions():
    result = regerr.fit(simulate(target_unit="nm", source_unit="nm"), "affine", "target")
    one = forecast(result, Points(np.array([[0.0, 0.0], [50.0, 20.0]]), ("here", "there")), "observation", 0.9)
    text = forecast_report(result, one)
    assert "90 % radius" in text and "area (nm²)" in text and "lands at (nm)" in text
    row = next(line for line in text.splitlines() if "there" in line)
    assert number(one.rms[1]) in row and number(one.radius[1]) in row and number(one.volume[1]) in row
    solid = regerr.fit(simulate(d=3), "affine", "target")
    assert "volume (px³)" in forecast_report(solid, forecast(solid, [[0.0, 0.0, 0.0]], "tre"))


# Tests of deformation


def test_a_ladder_recommends_the_simplest_model():
    assert str(compare_ladder(simulate(20))).startswith("Take a rigid model: it is the simplest that nothing speaks against.")
    assert str(compare_ladder(simulate(20, linear=[[1.1, 0.0], [0.0, 1.1]]))).startswith("Take a similarity model")
    stretched = " ".join(str(compare_ladder(simulate(20, linear=[[1.1, 0.0], [0.0, 1.0]]))).split())
    assert stretched.startswith("Take an affine model") and "There is more than noise about a rigid transformation" in stretched


def test_a_ladder_with_too_few_pairs_says_what_was_not_tested():
    text = " ".join(str(compare_ladder(simulate(3))).split())
    assert "as far as could be tested" in text and text.count("Not tested") == 2 and "3 pairs are too few" in text
    assert str(compare_ladder(simulate(2))).startswith("No model can be recommended.")


def test_a_ladder_of_exact_pairs_gives_no_verdict():
    text = str(compare_ladder(simulate(noise=0.0)))
    assert text.startswith("No model can be recommended.") and "fits these pairs exactly" in text and "= 0." not in text


def test_articles():
    assert "an affine" in str(compare_models(simulate(), "rigid", "affine")) and "a affine" not in "".join(everything())


# All of it


def test_words_that_mislead_are_not_used():
    """Neither "error" nor "accuracy" for a number; no alpha; no confidence in percent without a region or a level."""
    for text in everything():
        assert not re.search(r"\b(error|accuracy|accurate|alpha|significant)\b", text, re.IGNORECASE), text


def test_every_line_can_be_read():
    """No line far wider than a terminal but for tables of many columns; no trailing blanks; nothing half formatted."""
    for text in everything():
        for line in text.splitlines():
            assert len(line) <= 140 and line == line.rstrip()
            assert not re.search(r"nan|inf\b|None|array|np\.|\{|\}", line), line


def test_before_and_after():
    pairs = simulate()
    target = pairs.target.copy()
    target[2] += 30.0
    before = regerr.fit(FiducialPairs(pairs.source, target, names=pairs.names))
    after = regerr.fit(before.pairs.drop("bead 3"))
    text = before_and_after(before, after, ["bead 3"])
    assert text.startswith("Without 'bead 3'") and re.search(r"fiducials +10 +9", text)
    assert number(float(before.fre_rms), 2) in text and number(float(after.fre_rms), 2) in text
    assert "a little less than they say" in " ".join(text.split())


def test_under_given_covariances_the_lre_says_what_shares_the_noise():
    both = dict.fromkeys(("source_covariance", "target_covariance"), np.tile(np.eye(2), (10, 1, 1)))
    said = [" ".join(forecasts_report(r, forecasts(r, [[3.0, 4.0]], "lre")).split())
            for r in (regerr.fit(simulate()), regerr.fit(simulate(**both)))]
    assert "both images are equally noisy" in said[0] and "the given covariances share the noise" in said[1]

"""All formats that are read, in the order in which they are asked whether a file is theirs."""

from __future__ import annotations

from types import ModuleType

from . import (
    amira,
    bigwarp,
    bigwarp_json,
    ecclem_csv,
    ecclem_matrix,
    ecclem_xml,
    elastix_points,
    elastix_transform,
    elyra,
    fcsv,
    fibsem,
    geojson,
    icy,
    imagej,
    imod,
    itk_transform,
    leica_lmd,
    markups_json,
    nanoimager,
    napari,
    ngff,
    ome_roi,
    palm,
    picasso,
    plain,
    rapidstorm,
    registration_json,
    serialem,
    spatialdata,
    tdct,
    thunderstorm,
    tiff_overlay,
    trackmate_csv,
    trackmate_xml,
    trackpy,
    transformix,
    voxels,
    warpy,
    workbook,
)
from .document import Document
from .markup import parse, unknown
from .sheet import refusal

BINARY: tuple[ModuleType, ...] = (imagej, spatialdata, picasso, imod, tiff_overlay)
TEXT: tuple[ModuleType, ...] = (
    ecclem_xml, icy, trackmate_xml, ome_roi, leica_lmd,
    registration_json, bigwarp_json, markups_json, fibsem, geojson, warpy,
    serialem, fcsv, transformix, elastix_points, amira, tdct, rapidstorm, palm,
    bigwarp, ecclem_csv, napari, trackmate_csv, thunderstorm, nanoimager, elyra, trackpy, voxels, plain)
TRANSFORMS: tuple[ModuleType, ...] = (itk_transform, elastix_transform, ecclem_matrix, ngff)
ALL = (*TEXT[-1:], *TEXT[:-1], *BINARY, workbook, *TRANSFORMS)


def opened(document: Document) -> Document:
    """The document itself, or the table in it when it is a workbook."""
    return workbook.as_text(document) if document.data and workbook.recognises(document) else document


def reader_of(document: Document) -> ModuleType:
    """The format of a file of points; raises InputError when there is none."""
    transform = transform_reader_of(document)
    if transform is not None:
        raise refusal(document.path, [f"it holds a transformation ({transform.CARD.kind}) and no points: give the points"])
    known = BINARY if document.data else TEXT[:-1]
    found = next((one for one in known if one.recognises(document)), None)
    if found is not None:
        return found
    fault = _unknown(document)
    if fault:
        raise refusal(document.path, [fault])
    return plain


def transform_reader_of(document: Document) -> ModuleType | None:
    """The format of a file of one transformation; None for any other file."""
    return None if document.data else next((one for one in TRANSFORMS if one.recognises(document)), None)


def _unknown(document: Document) -> str:
    """What to say of a file that is no table; empty for one that may be."""
    if document.data:
        return "it is a zip archive without ROIs, a workbook or landmarks: unpack it first"
    if document.head.startswith("<"):
        parse(document)  # tells what is damaged, or not safe
        return unknown(document)
    if document.head.startswith(("{", "[")) and document.json is None:
        return f"it starts like JSON and is damaged ({document.json_fault}): save it again, or export the points as CSV"
    if document.head.startswith(("{", "[")):
        return "it is JSON of no kind that is read here: export the points as CSV"
    return ""

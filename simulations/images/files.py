"""Generated images as files: OME-TIFF with pixel size, and the truth as JSON."""

from __future__ import annotations

import io
import json
import uuid
from typing import Any

import numpy as np

from regerr.ome_tiff import library, ome_unit

from .correlated import CorrelatedImages
from .scene import BeadImage, Field


def files_of(pair: CorrelatedImages, options: dict[str, Any]) -> dict[str, str | bytes]:
    """File names and contents: both images, and everything that a person with real images never knows."""
    truth = {
        "schema": 1, "options": options, "made_by": "regerr simulate images: no microscope saw these beads",
        "transform": {"matrix": pair.transform.matrix, "offset": pair.transform.offset},
        "shared": list(pair.shared), "source": _truth(pair.source), "target": _truth(pair.target),
    }
    return {"source.ome.tif": ome_tiff(pair.source, "source"), "target.ome.tif": ome_tiff(pair.target, "target"),
            "truth.json": json.dumps(truth, indent=1, default=np.ndarray.tolist) + "\n"}


def ome_tiff(image: BeadImage, name: str) -> bytes:
    """One image as OME-TIFF with its pixel size; the same image gives the same bytes on one machine.

    Raises
    ------
    MissingExtraError
        Without tifffile.
    """
    out = io.BytesIO()
    library().imwrite(out, image.counts, ome=True, photometric="minisblack", compression="zlib", metadata=_metadata(image, name))
    return out.getvalue()


def _metadata(image: BeadImage, name: str) -> dict[str, Any]:
    field = image.field
    content = uuid.uuid5(uuid.NAMESPACE_OID, f"{name} {field!r} {image.counts.tobytes().hex()}")
    out: dict[str, Any] = {"axes": "ZYX"[-field.dimension:], "Name": f"simulated beads, {name}", "UUID": f"urn:uuid:{content}"}
    for axis, size in zip("XYZ", field.steps.tolist(), strict=False):
        out |= {f"PhysicalSize{axis}": size, f"PhysicalSize{axis}Unit": ome_unit(field.unit)}
    return out


def _truth(image: BeadImage) -> dict[str, Any]:
    field: Field = image.field
    camera = {"gain": image.camera.gain, "offset": image.camera.offset, "read_noise": image.camera.read_noise}
    return {"unit": field.unit, "spacing": field.steps, "shape": list(field.shape), "camera": camera, "names": list(image.names),
            "points": image.points, "amounts": image.amounts}

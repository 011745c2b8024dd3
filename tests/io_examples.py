"""One small file of each format, and what it says: for the tests of reading, and as seeds for damaged files."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from dataclasses import dataclass, field

import numpy as np

NAN = float("nan")


@dataclass(frozen=True)
class Example:
    """A file and what a reader must find in it.

    Attributes
    ----------
    content : bytes
    source, target : lists of points; no target for points of one space.
    names : tuple of str
    unit, frame, origin, upward : of the (first) space, as the file says them
    sd : standard deviations of the first point, or None
    unused : reasons, in order
    """

    content: bytes
    source: list[list[float]]
    target: list[list[float]] | None = None
    names: tuple[str, ...] = ("1", "2")
    unit: str | None = None
    frame: str | None = None
    origin: str | None = None
    upward: bool = False
    sd: list[float] | None = None
    unused: tuple[str, ...] = field(default=())


def text(*lines: str, end: str = "\n") -> bytes:
    return "".join(line + end for line in lines).encode()


def as_json(data: object) -> bytes:
    return json.dumps(data).encode()


def xml(body: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'.encode()


def archive(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items():
            file.writestr(name, content)
    return buffer.getvalue()


def roi(points: list[list[float]], name: str = "", kind: str = "POINT", z: int = 0) -> bytes:
    import roifile

    made = roifile.ImagejRoi.frompoints(np.array(points, float), name=name or "r")
    made.roitype, made.options, made.z_position = roifile.ROI_TYPE[kind], roifile.ROI_OPTIONS.SUB_PIXEL_RESOLUTION, z
    return bytes(made.tobytes())


def workbook(rows: list[list[object]], cell: str = "A1") -> bytes:
    """A workbook with one sheet; ``cell`` may lie far from the others."""
    body = "".join(f'<row r="{r}">' + "".join(_cell(chr(65 + c), r, value) for c, value in enumerate(row)) + "</row>"
                   for r, row in enumerate(rows, 1))
    far = "" if cell == "A1" else f'<row r="{cell.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")}"><c r="{cell}"><v>1</v></c></row>'
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    rels = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    return archive({
        "[Content_Types].xml": xml(f'<Types xmlns="{package}/content-types"><Default Extension="rels" '
                                   f'ContentType="application/vnd.'
                                   'openxmlformats-package.relationships+xml"/><Default Extension="xml" '
                                   'ContentType="application/xml"/>'
                                   "</Types>"),
        "_rels/.rels": xml(f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" Type="{rels}/officeDocument" '
                           'Target="xl/workbook.xml"/></Relationships>'),
        "xl/workbook.xml": xml(f'<workbook xmlns="{main}" xmlns:r="{rels}"><sheets><sheet name="S" sheetId="1" '
                               f'r:id="rId1"/></sheets>'
                               "</workbook>"),
        "xl/_rels/workbook.xml.rels": xml(f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" '
                                          f'Type="{rels}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'),
        "xl/worksheets/sheet1.xml": xml(f'<worksheet xmlns="{main}"><sheetData>{body}{far}</sheetData></worksheet>')})


def _cell(column: str, row: int, value: object) -> str:
    if isinstance(value, str):
        return f'<c r="{column}{row}" t="inlineStr"><is><t>{value}</t></is></c>'
    return f'<c r="{column}{row}"><v>{value}</v></c>'


def imod(contours: list[list[list[float]]], height: int = 100, size: float = 1.0, unit: int = 0, objects: int = 1) -> bytes:
    header = struct.pack(">8s128s4i5I6f5ifi4x3f", b"IMODV1.2", b"", 100, height, 50, objects, *[0] * 5, *[0.0] * 3, 1.0, 1.0, 1.0,
                         0, 0, 0, 3, 128, size, unit, 0.0, 0.0, 0.0)
    body = b"OBJT" + bytes(176)
    for points in contours:
        body += b"CONT" + struct.pack(">i12x", len(points)) + np.array(points, ">f4").tobytes()
    return header + body + b"SIZE" + struct.pack(">i", 4) + bytes(4) + b"MESH" + struct.pack(">3i2h", 1, 1, 0, 0,
                                                                                             0) + bytes(16) + b"IEOF"


def locs(columns: dict[str, list[float]]) -> bytes:
    import h5py

    table = np.zeros(len(next(iter(columns.values()))), [(name, "f4") for name in columns])
    for name, values in columns.items():
        table[name] = values
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file["locs"] = table
    return buffer.getvalue()


def tiff(overlays: list[bytes], **metadata: object) -> bytes:
    import tifffile

    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.zeros((4, 4), np.uint8), imagej=True, resolution=(10.0, 5.0),
                     metadata={"Overlays": overlays, **metadata})
    return buffer.getvalue()


def shapes(points: list[list[float]], order: str = "<", kind: int = 1) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet

    mark = bytes([order == "<"])
    column = [mark + struct.pack(f"{order}Idd", kind, *point) for point in points]
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pa.table({"geometry": column, "radius": [1.0] * len(column)}), buffer)
    return buffer.getvalue()


def icy(rois: str, meta: str = "") -> bytes:
    return xml(f"<root><name>a.tif</name><meta>{meta}</meta><rois>{rois}</rois></root>")


def icy_point(name: str, x: float, y: float, z: float | None = None, role: str = "FIDUCIAL", kind: str = "Point") -> str:
    d = 2 if z is None else 3
    position = f"<pos_x>{x}</pos_x><pos_y>{y}</pos_y>" + ("" if z is None else f"<pos_z>{z}</pos_z>")
    return (f"<roi><classname>plugins.kernel.roi.roi{d}d.ROI{d}D{kind}</classname><name>{name}</name>"
            f"<properties><point_type>{role}</point_type></properties><z>-1</z><position>{position}</position></roi>")


SIZES = "<pixelSizeX>0.5</pixelSizeX><pixelSizeY>0.5</pixelSizeY><pixelSizeZ>2</pixelSizeZ>"
P2, Q2 = [[1.5, 2.0], [30.25, 4.0]], [[11.0, 12.5], [1.0, 14.0]]
P3, Q3 = [[1.5, 2.0, 3.0], [30.25, 4.0, 9.0]], [[11.0, 12.5, 8.0], [1.0, 14.0, 7.5]]


def control(label: str, position: list[float], **more: object) -> dict[str, object]:
    return {"id": "7", "label": label, "position": position, "positionStatus": "defined", "selected": True,
            "visibility": True} | more


EXAMPLES: dict[str, Example] = {
    "plain": Example(text("name,x_source [nm],y_source [nm],sigma_source [nm],x_target,y_target,used", "a,1.5,2,0.5,11,12.5,1",
                          "b,30.25,4,0.5,1,14,1", "c,1,,2,3,4,0"), P2, Q2, ("a", "b"), "nm", sd=[0.5, 0.5],
                     unused=("disabled in the file",)),
    "bigwarp": Example(text('"a","true","1.5","2.0","11.0","12.5"', '"b","true","30.25","4.0","1.0","14.0"',
                            '"c","false","1.0","2.0","3.0","4.0"', '"d","false","1.0","2.0","Infinity","Infinity"'), P2, Q2,
                            ("a", "b"),
                       "unit", origin="centre", unused=("disabled in the file", "not placed in the target")),
    "bigwarp_json": Example(
        b'{"Transform": {"landmarks": {"type": "BigWarpLandmarks", "numDimensions": 2, "movingPoints": [[1.5, 2.0], [30.25, '
        b'4], [Infinity,'
        b' Infinity], [9, 9]], "fixedPoints": [[11.0, 12.5], [1.0, 14.0], [1, 2], [8, 8]], "active": [true, true, false, '
        b'false], "names":'
        b' ["a", "b", "c", "d"]}}}', P2, Q2, ("a", "b"), "unit", origin="centre",
        unused=("not placed in the source", "disabled in the file")),
    "ecclem_csv": Example(text("id,dimension_1,dimension_2,dimension_3", "0,1.5,2.0,3.0", "1,30.25,4.0,9.0", end="\r\n"), P3,
                          names=("0", "1"), unit="µm"),
    "ecclem_xml": Example(
        xml('<root><transformation date="2021" type="RIGID">' + "".join(
            f'<dataset n="2" pointType="FIDUCIAL" type="{side}">' + "".join(
                f'<point id="{i}">' + "".join(f'<coordinate dimension="{k}">{v}</coordinate>' for k,
                                              v in enumerate(p)) + "</point>"
                for i, p in enumerate(points)) + "</dataset>" for side, points in (("source", P3), ("target", Q3)))
            + "</transformation></root>"), P3, Q3, ("0", "1"), "µm"),
    "imagej": Example(archive({"b.roi": roi([[1.5, 2.0]], "bead 1"), "a.roi": roi([[30.25, 4.0]], "bead 2"),
                               "c.roi": roi([[0, 0], [5, 0], [5, 5]], "cell", "POLYGON")}), P2, names=("bead 1", "bead 2"),
                               unit="px",
                      origin="corner", unused=("a polygon and not a point",)),
    "napari": Example(text("index,axis-0,axis-1,axis-2,label,confidence", "0,3.0,2.0,1.5,a,1", "1,9,4,30.25,b,1"), P3,
                      names=("a", "b"),
                      origin="centre"),
    "fcsv": Example(text("# Markups fiducial file version = 4.11", "# CoordinateSystem = LPS",
                         "# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID",
                         "1,1.5,2,3,0,0,0,1,1,1,0,a,,", "2,30.25,4,9,0,0,0,1,1,1,0,b,,", "3,1,1,1,0,0,0,1,0,1,0,c,,",
                         "4,1,1,1,0,0,0,1,1,0,0,d,,"), P3, names=("a", "b"), unit="mm", frame="LPS",
                    unused=("hidden in the file (vis = 0)", "not selected in the file (sel = 0)")),
    "markups_json": Example(as_json({"markups": [
        {"type": "Plane", "coordinateSystem": "XYZ"},
        {"type": "Fiducial", "coordinateSystem": "RAS", "coordinateUnits": "mm", "controlPoints": [
            control("a", P3[0]), control("b", P3[1]), control("c", [0, 0, 0], positionStatus="undefined"),
            control("d", [0, 0, 0], selected=False), control("e", [0, 0, 0], visibility=False)]}]}), P3, names=("a", "b"),
            unit="mm",
        frame="RAS", unused=("its position is undefined in the file", "not selected in the file", "hidden in the file")),
    "elastix_points": Example(b"point\n2\n1.5 2 3\n30.25 4 9", P3, unit="mm", frame="LPS"),
    "transformix": Example(text(*(f"Point\t{i}\t; InputIndex = [ 2 2 ]\t; InputPoint = [ {p[0]} {p[1]} ]\t; OutputIndexFixed "
                                  f"= [ 1 1 ]\t; "
                                  f"OutputPoint = [ {q[0]} {q[1]} ]\t; Deformation = [ 0 0 ]" for i, (p, q) in
                                  enumerate(zip(P2, Q2, strict=True)))), P2, Q2, ("0", "1"), "mm", "LPS"),
    "amira": Example(text("# AmiraMesh 3D ASCII 2.0", "define Markers 2", "Parameters {",
                          ' NumSets 2, ContentType "LandmarkSet" }',
                          "Markers { float[3] Coordinates } @1", "Markers { float[3] Coordinates2 } @2", "@1", "1.5 2 3",
                          "30.25 4 9", "",
                          "@2", "11 12.5 8", "1 14 7.5"), P3, Q3, unit="unit"),
    "tdct": Example(text("#", "#   - rms error (in 2d pixels) =   0.07", "#",
                         "#\tInitial (3D) markers\t\tTransformed initial\t\tFinal (2D) markers\tTransformed-Final",
                         "7\t8\t9\t\t1.5\t2\t1\t\t11\t12.5\t\t0\t0", "9\t8\t7\t\t30.25\t4\t1\t\t1\t14\t\t0\t0", "#",
                         "# Correlation"),
                    P2, Q2, unit="px"),
    "fibsem": Example(as_json({"version": 1, "input_data": {
        "fm_coordinates": [{"point": dict(zip("xyz", [*p, 5.0], strict=True)), "point_type": "FM"} for p in P2],
        "fib_coordinates": [{"point": dict(zip("xyz", [*q, 0.0], strict=True)), "point_type": "FIB"} for q in Q2],
        "poi_coordinates": [{"point": {"x": 5.0, "y": 6.0, "z": 7.0}}]}}), P2, Q2, unit="px", origin="centre"),
    "icy": Example(icy(icy_point("bead 10", 60.5, 8.0, 4.5) + icy_point("bead 2", 3.0, 4.0, 1.5) + icy_point("e", 1, 1, 1,
                                                                                                             "MEASURED_ERROR")
                       + icy_point("r", 1, 1, kind="Rectangle"), SIZES), P3, names=("bead 2", "bead 10"), unit="µm",
                   unused=("its point_type is 'MEASURED_ERROR', not FIDUCIAL", "a ROI2DRectangle and not a point")),
    "thunderstorm": Example(text('"id","frame","x [nm]","y [nm]","z [nm]","sigma1 [nm]","intensity [photon]","uncertainty_xy '
                                 '[nm]",'
                                 '"uncertainty_z [nm]"', "1,1,1.5,2,3,100,900,5,12", "2,1,30.25,4,9,100,900,5,12"), P3, unit="nm",
                            origin="corner", sd=[5.0, 5.0, 12.0]),
    "nanoimager": Example(text("Channel,Frame,X (nm),Y (nm),Z (nm),Photons,Background", "0,1,1.5,2,0,100,1",
                               "0,2,30.25,4,0,100,1"), P2,
                          unit="nm"),
    "elyra": Example("Index\tFirst Frame\tPosition X [nm]\tPosition Y [nm]\tPrecision "
                     "[nm]\r\n1\t1\t1.5\t2\t8\r\n2\t1\t30.25\t4\t9\r\n"
                     "\0\r\nVoxelSizeX : 0.097 µm\r\n".encode("latin-1"), P2, unit="nm", sd=[8.0, 8.0]),
    "rapidstorm": Example(text(
        '# <localizations><field identifier="Position-1-0" unit="nanometer"/><field identifier="Position-0-0" unit="nanometer"/>'
        '<field identifier="Position-0-0-uncertainty" unit="micrometer"/><field identifier="Position-1-0-uncertainty" '
        'unit="nanometer"/>'
        "</localizations>", "2 1.5 0.01 20", "4 30.25 0.01 20"), P2, unit="nm", sd=[10.0, 20.0]),
    "picasso": Example(locs({"x": [1.5, 30.25], "y": [2.0, 4.0], "photons": [900.0, 900.0], "lpx": [0.5, 0.25],
                             "lpy": [0.25, 0.5]}), P2,
                       unit="px", origin="centre", sd=[0.5, 0.25]),
    "trackpy": Example(text(",y,x,mass,size,ep,frame", "0,2,1.5,900,2,0.1,0", "1,4,30.25,900,2,0.1,0"), P2, unit="px",
                       origin="centre",
                       sd=[0.1, 0.1]),
    "trackmate_xml": Example(xml(
        '<TrackMate version="7"><Model spatialunits="micron"><AllSpots nspots="3"><SpotsInFrame frame="0">'
        '<Spot ID="1" name="ID1" POSITION_X="1.5" POSITION_Y="2" POSITION_Z="0.0" VISIBILITY="1"/>'
        '<Spot ID="2" name="ID2" POSITION_X="9" POSITION_Y="9" POSITION_Z="0.0" VISIBILITY="0"/>'
        '<Spot ID="3" name="ID3" POSITION_X="30.25" POSITION_Y="4" POSITION_Z="0.0" '
        'VISIBILITY="1"/></SpotsInFrame></AllSpots></Model>'
        "</TrackMate>"), P2, names=("1", "3"), unit="µm", origin="centre", unused=("hidden in the file (VISIBILITY = 0)",)),
    "trackmate_csv": Example(text("LABEL,ID,POSITION_X,POSITION_Y,POSITION_Z,VISIBILITY", "Label,Spot ID,X,Y,Z,Visibility",
                                  "Label,Spot ID,X,Y,Z,Visibility", ",,(micron),(micron),(micron),", "bead,1,1.5,2,3,1",
                                  "b,3,30.25,4,9,1",
                                  "ID2,2,9,9,9,0"), P3, names=("bead", "b"), unit="µm", origin="centre",
                             unused=("hidden in the file (VISIBILITY = 0)",)),
    "geojson": Example(as_json({"type": "FeatureCollection", "features": [
        {"type": "Feature", "geometry": {"type": "MultiPoint", "coordinates": P2}, "properties": {"name": "m"}},
        {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]},
         "properties": None}]}), P2,
        names=("m 1", "m 2"), unit="px", origin="corner", unused=("a Polygon and not a point",)),
    "serialem": Example(text("AdocVersion = 2.00", "", *(line for regis, points in ((1, P2), (2, Q2)) for i,
                                                         p in enumerate(points) for line in
                                                         (f"[Item = {regis}-{i}]", f"StageXYZ = {p[0]} {p[1]} 3", "Type = 0",
                                                          f"Regis = {regis}", f"RegPt = {i}", ""))), P2, Q2,
                                                          ("RegPt 0", "RegPt 1"), "µm",
                        upward=True),
    "ome_roi": Example(xml(
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><ROI ID="ROI:0"><Union><Point ID="Shape:0" X="1.5" '
        'Y="2" Text="a"/>'
        '<Label ID="Shape:1" X="1" Y="1" Text="n"/></Union></ROI><ROI ID="ROI:1"><Union><Point ID="Shape:2" X="2" Y="30.25">'
        '<Transform A00="0" A01="1" A02="0" A10="2" A11="0" A12="0"/></Point></Union></ROI></OME>'), P2, names=("a", "Shape:2"),
        unit="px",
        unused=("a label and not a point",)),
    "leica_lmd": Example(xml(
        "<ImageData><GlobalCoordinates>1</GlobalCoordinates><X_CalibrationPoint_1>1.5</X_CalibrationPoint_1><Y_CalibrationPoint_1>2"
        "</Y_CalibrationPoint_1><X_CalibrationPoint_2>30.25</X_CalibrationPoint_2><Y_CalibrationPoint_2>4</Y_CalibrationPoint_2>"
        "<ShapeCount>1</ShapeCount><Shape_1><PointCount>1</PointCount><CapID>A</CapID><X_1>5</X_1><Y_1>6</Y_1></Shape_1>"
        "</ImageData>"), P2,
        names=("calibration 1", "calibration 2"), unit="unit", upward=True, unused=("a vertex of shape 1 (for A)",)),
    "palm": Example(text("PALMRobo Elements", "Version:\tV 4.6", "", "MICROMETER", "Elements :", "",
                         "Type\tColor\tThickness\tNo\tCutShot\tArea\tComment\tCoordinates", "",
                         "Freehand\tgreen\t1\t1\t0,0\t0\tCell\t",
                         ".\t1.5,2\t30.25,4"), P2, names=("Cell, vertex 1", "Cell, vertex 2"), unit="µm"),
    "warpy": Example(as_json({"type": "InvertibleRealTransformSequence", "size": 1, "realTransform_0": {
        "wrapped": {"type": "ThinplateSplineTransform", "srcPts": [list(a) for a in zip(*P2, strict=True)],
                    "tgtPts": [list(a) for a in zip(*Q2, strict=True)]}}}), P2, Q2, unit="mm"),
    "imod": Example(imod([[[3.5, 96.0, 1.5]], [[61.0, 92.0, 4.5]]], size=0.5, unit=-9), [[1.5, 1.75, 0.75], [30.25, 3.75, 2.25]],
                    names=("1.1.1", "1.2.1"), unit="nm", origin="centre"),
    "tiff_overlay": Example(tiff([roi([[15.5, 10.5]], "a"), roi([[303, 20.5]], "b")], unit="um"), P2, names=("a", "b"),
                            unit="µm", origin="centre"),
    "workbook": Example(workbook([["name", "x_source [nm]", "y_source", "x_target", "y_target"], ["a", 1.5, 2, 11, 12.5],
                                  ["b", 30.25, 4, 1, 14]]), P2, Q2, ("a", "b"), "nm"),
    "spatialdata": Example(archive({"l.zarr/zarr.json": b"{}", "l.zarr/shapes/a/shapes.parquet": shapes(P2),
                                    "l.zarr/shapes/b/shapes.parquet": shapes(Q2, ">")}), P2, Q2),
    "registration_json": Example(as_json({"regerr": "0.1.0", "schema": 1, "pairs": {
        "source": P2, "target": Q2, "names": ["a", "b"], "source_unit": "nm", "target_unit": "px",
        "source_covariance": [[[4.0, 0.0], [0.0, 9.0]]] * 2,
        "unused": [{"name": "c", "reason": "dropped", "source": [1.0, 2.0], "target": None}]}}), P2, Q2, ("a", "b"), "nm",
        sd=[2.0, 3.0], unused=("dropped",)),
    "voxels": Example(text(" 103\t  59\t 112", "   3\t 139\t   8"), [[102.0, 58.0, 111.0], [2.0, 138.0, 7.0]], unit="voxel",
                      origin="centre"),
}

# Transformations: the file, and where it takes (1, 2[, 3]) as it stands.
TRANSFORMS: dict[str, tuple[bytes, list[float]]] = {
    "itk_transform": (text("#Insight Transform File V1.0", "#Transform 0", "Transform: AffineTransform_double_2_2",
                           "Parameters: 0 1 -1 0 5 6", "FixedParameters: 1 1"), [7.0, 7.0]),
    "elastix_transform": (text('(Transform "EulerTransform")', "(NumberOfParameters 3)",
                               "(TransformParameters 1.5707963267948966 5 6)",
                               '(InitialTransformParametersFileName "NoInitialTransform")', "(FixedImageDimension 2)",
                               "(CenterOfRotationPoint 1 1)"), [5.0, 7.0]),
    "ecclem_matrix": (xml('<root><MatrixTransformation m00="1" m01="0" m02="0" m03="5" m10="0" m11="2" m12="0" m13="0" '
                          'm20="0" m21="0" '
                          'm22="1" m23="0" m30="0" m31="0" m32="0" m33="1.0"/></root>'), [6.0, 4.0, 3.0]),
    "ngff": (as_json({"coordinateTransformations": [{"type": "sequence", "transformations": [
        {"type": "scale", "scale": [10, 1]}, {"type": "translation", "translation": [0, 5]}, {"type": "identity"}]}]}),
        [6.0, 20.0]),
}

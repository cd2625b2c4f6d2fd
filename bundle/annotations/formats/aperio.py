# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""XML of Aperio ImageScope (the form in which MoNuSeg is published): regions of layers, and labels drawn from them.

ImageScope measures from the image's top-left corner, so a pixel covers [i, i + 1) and its centre is at i + 1/2; here
pixel centres are integers, so half a pixel is taken off. A region of one vertex is a click, one of two an arrow or a
ruler, and others are areas; of an ellipse the vertices are the corners around it. The class is the layer's name.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np
import torch
from skimage.draw import polygon
from torch import Tensor
from transforms.pixel_centres import from_corner

from ...files.labels import in_raster_order
from ...files.untrusted_text import load_xml
from ..clicks import Clicks
from ..marks import MarkCollector

logger = logging.getLogger(__name__)

ROOT = "Annotations"
ELLIPSE = "2"  # type of a region


def is_aperio(root: Element) -> bool:
    """Whether this is the root of such a file."""
    return root.tag == ROOT


def read_aperio(path: Path) -> list[Clicks]:
    """Read the clicks and outlines of one file, which is for one image; errors as `read_outlines`."""
    marks = MarkCollector(path)
    for layer, region in _regions_and_layers(path):
        vertices, name = _vertices(path, region), layer.get("Name") or None
        if _is_negative(region):
            marks.leave_out("negative region")
        elif len(vertices) == 1:
            marks.add_point(vertices[0][0], vertices[0][1], name)
        elif len(vertices) == 2:
            marks.leave_out("line of two vertices")
        elif region.get("Type") == ELLIPSE and len(vertices) == 4:
            low, high = np.min(vertices, axis=0), np.max(vertices, axis=0)
            (x, y), (across, down) = ((low + high) / 2).tolist(), ((high - low) / 2).tolist()
            marks.add_ellipse(x, y, across, down, name)
        elif vertices:
            marks.add_polygon(vertices, name)
    return [marks.as_clicks()]


def read_outlines(path: str | os.PathLike[str]) -> list[np.ndarray]:
    """Read the outlines of all regions of all layers; regions marked as negative are left out.

    Args:
        path: XML file: Annotations/Annotation/Regions/Region/Vertices/Vertex with X and Y.

    Returns:
        For each region float64 (V, 2), x and y in px, pixel centres at integers, in the file's order.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: no XML, a document type definition, another kind of XML, or a vertex without numbers.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such annotations file")
    found = [_vertices(path, region) for _, region in _regions_and_layers(path) if not _is_negative(region)]
    return [from_corner(vertices).reshape(-1, 2) for vertices in found]


def _regions_and_layers(path: Path) -> Iterator[tuple[Element, Element]]:
    """Each region with its layer."""
    root = load_xml(path)
    if not is_aperio(root):
        raise ValueError(f"{path}: begins with <{root.tag}>, not <{ROOT}>: give annotations of Aperio ImageScope")
    for layer in (root, *root.iterfind("Annotation")):
        for region in (*layer.iterfind("Region"), *layer.iterfind("Regions/Region")):
            yield layer, region


def _is_negative(region: Element) -> bool:
    return region.get("NegativeROA", "0") == "1"


def _vertices(path: Path, region: Element) -> list[list[float]]:
    vertices = []
    for vertex in region.iter("Vertex"):
        try:
            place = [float(vertex.get("X", "")), float(vertex.get("Y", ""))]
        except ValueError:
            place = [np.nan, np.nan]
        if not np.isfinite(place).all():
            raise ValueError(
                f"{path}: region {region.get('Id', '')!r}: the vertex {vertex.attrib} has no X and Y in px: correct or"
                " remove this region"
            )
        vertices.append(place)
    return vertices


def draw_outlines(outlines: list[np.ndarray], size: tuple[int, int]) -> Tensor:
    """Fill outlines: a pixel belongs to an object when its centre lies inside.

    Where outlines overlap, the pixel goes to the one that encloses fewer pixels, so that no small object is swallowed.
    Outlines that no pixel is left to (outside the image, or thinner than a pixel) are left out, with a warning.

    Args:
        outlines: each float (V, 2), x and y in px, pixel centres at integers; open or closed.
        size: (H, W), px.

    Returns:
        int32 (1, H, W), ids 1..n in raster order of object centres.
    """
    filled = [polygon(outline[:, 1], outline[:, 0], size) for outline in outlines if len(outline) > 2]
    drawn = np.zeros(size, np.int32)
    for index, pixels in enumerate(sorted(filled, key=lambda pixels: -len(pixels[0])), start=1):  # the smallest last
        drawn[pixels] = index
    label = in_raster_order(drawn)
    gone = len(outlines) - int(label.max(initial=0))
    if gone:
        logger.warning("%d of %d outlines cover no pixel of their own and are left out", gone, len(outlines))
    return torch.from_numpy(label[None])

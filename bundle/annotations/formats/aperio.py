# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Outlines that Aperio ImageScope wrote as XML (the form in which MoNuSeg is published), and labels drawn from them.

ImageScope measures from the image's top-left corner, so a pixel covers [i, i + 1) and its centre is at i + 1/2; here
pixel centres are integers, so half a pixel is taken off. The file is read by a parser that refuses document type
definitions: no entity is ever expanded and nothing else is fetched.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import NoReturn
from xml.parsers import expat

import numpy as np
import torch
from skimage.draw import polygon
from torch import Tensor

from ...files.labels import in_raster_order

logger = logging.getLogger(__name__)

HALF_PIXEL = 0.5  # from corners at integers to centres at integers


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
    reader = _Reader(path)
    try:
        with path.open("rb") as stream:
            reader.parser.ParseFile(stream)
    except expat.ExpatError as error:
        raise ValueError(f"{path}: is no whole XML ({error}): download or copy the file again") from error
    return [np.asarray(vertices, np.float64).reshape(-1, 2) - HALF_PIXEL for vertices in reader.regions]


class _Reader:
    """Collects vertices while expat goes through a file."""

    def __init__(self, path: Path) -> None:
        self.path, self.inside, self.is_first = path, False, True
        self.regions: list[list[tuple[float, float]]] = []
        self.parser = expat.ParserCreate()
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end

    def _doctype(self, *_: object) -> None:
        self._refuse("has a document type definition, which annotations need not and which may do harm: remove it")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if self.is_first and name != "Annotations":
            self._refuse(f"begins with <{name}>, not <Annotations>: give annotations of Aperio ImageScope")
        self.is_first = False
        if name == "Region":
            self.inside = attributes.get("NegativeROA", "0") != "1"
            if self.inside:
                self.regions.append([])
        elif name == "Vertex" and self.inside:
            self.regions[-1].append(self._vertex(attributes))

    def _end(self, name: str) -> None:
        if name == "Region":
            self.inside = False

    def _vertex(self, attributes: dict[str, str]) -> tuple[float, float]:
        try:
            vertex = float(attributes["X"]), float(attributes["Y"])
        except (KeyError, ValueError):
            vertex = (np.nan, np.nan)
        if not np.isfinite(vertex).all():
            line = self.parser.CurrentLineNumber
            self._refuse(f"line {line}: the vertex {attributes} has no X and Y in px: correct or remove its region")
        return vertex

    def _refuse(self, reason: str) -> NoReturn:
        raise ValueError(f"{self.path}: {reason}")


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

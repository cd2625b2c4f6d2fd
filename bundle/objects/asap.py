# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Objects as the XML of ASAP (Automated Slide Analysis Platform): one polygon annotation for each piece.

The format knows no holes. They are written as annotations of a group of their own, "CLASS hole", after the piece that
they lie in, so that a program that fills annotations in their order gets the objects back. Objects are written one
after the other as they come.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import BinaryIO
from xml.sax.saxutils import quoteattr

import numpy as np

from ..files.atomic import write_whole
from .colours import class_colour
from .polygons import Ring, SlideObject

DECIMALS = 3  # of px


def write_asap(path: str | os.PathLike[str], objects: Iterable[SlideObject]) -> int:
    """Write an annotation file.

    Args:
        path: the file, `.xml`.
        objects: in px of the image's full resolution; taken one by one.

    Returns:
        How many objects were written.
    """
    count, groups = 0, dict[str, str]()

    def write(stream: BinaryIO) -> None:
        nonlocal count
        stream.write(b'<?xml version="1.0" encoding="UTF-8"?>\n<ASAP_Annotations>\n<Annotations>\n')
        for item in objects:
            for name, group, ring in _annotations(item):
                groups.setdefault(group, _hex_colour(item.classification))
                stream.write(_annotation(name, group, groups[group], ring).encode())
            count += 1
        stream.write(b"</Annotations>\n<AnnotationGroups>\n")
        for group, colour in groups.items():
            text = (
                f'<Group Name={quoteattr(group)} PartOfGroup="None" Color={quoteattr(colour)}><Attributes/></Group>\n'
            )
            stream.write(text.encode())
        stream.write(b"</AnnotationGroups>\n</ASAP_Annotations>\n")

    write_whole(path, write)
    return count


def _annotations(item: SlideObject) -> Iterator[tuple[str, str, Ring]]:
    """Name, group and ring of everything that belongs to an object; what lies in a hole comes after the hole."""
    group = item.classification
    for part in item.parts:
        yield f"{group} {item.id}", group, part.exterior
        for hole in part.holes:
            yield f"{group} {item.id} hole", f"{group} hole", hole


def _annotation(name: str, group: str, colour: str, ring: Ring) -> str:
    points = np.round(ring, DECIMALS).tolist()
    corners = "".join(f'<Coordinate Order="{i:d}" X="{x:.12g}" Y="{y:.12g}"/>' for i, (x, y) in enumerate(points))
    return (
        f'<Annotation Name={quoteattr(name)} Type="Polygon" PartOfGroup={quoteattr(group)} Color={quoteattr(colour)}>'
        f"<Coordinates>{corners}</Coordinates></Annotation>\n"
    )


def _hex_colour(name: str) -> str:
    return "#{:02X}{:02X}{:02X}".format(*class_colour(name))

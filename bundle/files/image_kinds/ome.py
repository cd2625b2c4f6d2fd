# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What the OME-XML in a TIFF file says of its first image: um per px, names of channels, bits that count."""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree.ElementTree import Element

from ..untrusted_text import parse_xml
from .spacing import um_of_unit

COLOURS = (("r", "g", "b"), ("red", "green", "blue"))  # names of the channels of one picture in colour


@dataclass(frozen=True)
class Ome:
    """What is said; None and () where it is not."""

    mpp: tuple[float | None, float | None] = (None, None)  # um per px along x and y
    channels: tuple[str, ...] = ()  # their names
    bits: int | None = None  # of a sample, those that count
    unit: str = ""  # of um per px along x, where it is no length that is known

    @property
    def is_rgb(self) -> bool:
        """Whether the channels are named as the colours of one picture."""
        return tuple(name.strip().lower() for name in self.channels) in COLOURS


def read_ome(text: str) -> Ome:
    """Read it.

    Raises:
        ValueError: no XML, or one with a document type definition.
    """
    root = parse_xml(text.encode("utf-8"), "its OME-XML")
    pixels = next((each for each in root.iter() if _local_name(each) == "Pixels"), None)
    if pixels is None:
        return Ome()
    names = tuple(each.get("Name", "") for each in pixels if _local_name(each) == "Channel")
    bits = pixels.get("SignificantBits", "")
    mpp = _um(pixels, "X"), _um(pixels, "Y")
    unit = pixels.get("PhysicalSizeXUnit", "") if mpp[0] is None and pixels.get("PhysicalSizeX") else ""
    return Ome(mpp, names, int(bits) if bits.isdecimal() else None, unit)


def _local_name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _um(pixels: Element, axis: str) -> float | None:
    factor = um_of_unit(pixels.get(f"PhysicalSize{axis}Unit", "um"))  # the standard's default
    try:
        return float(pixels.get(f"PhysicalSize{axis}", "")) * factor if factor else None
    except ValueError:
        return None

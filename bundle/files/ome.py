# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Um per px from the OME-XML in a TIFF file, by a parser that refuses type definitions, so nothing is expanded."""

from __future__ import annotations

from xml.parsers import expat

UM_PER_UNIT = {"m": 1e6, "mm": 1e3, "\u00b5m": 1.0, "\u03bcm": 1.0, "um": 1.0, "nm": 1e-3, "pm": 1e-6}


def ome_spacing(text: str) -> tuple[float | None, float | None]:
    """Um per px along x and y of the first image; None where the file does not say it.

    Raises:
        ValueError: no XML, or one with a document type definition.
    """
    found: list[dict[str, str]] = []

    def element(name: str, attributes: dict[str, str]) -> None:
        if name.rpartition(":")[2] == "Pixels":
            found.append(attributes)

    def refuse(*_: object) -> None:
        raise ValueError("its OME-XML holds a document type definition, which is not read: remove it")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.StartDoctypeDeclHandler = element, refuse
    try:
        parser.Parse(text.encode("utf-8"), True)
    except expat.ExpatError as error:
        raise ValueError(f"its OME-XML cannot be read ({error})") from error
    pixels = found[0] if found else {}
    return _um(pixels, "X"), _um(pixels, "Y")


def _um(pixels: dict[str, str], axis: str) -> float | None:
    factor = UM_PER_UNIT.get(pixels.get(f"PhysicalSize{axis}Unit", "\u00b5m"))
    try:
        return float(pixels[f"PhysicalSize{axis}"]) * factor if factor else None
    except (KeyError, ValueError):
        return None

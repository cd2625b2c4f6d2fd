# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""XML that a stranger may have written: read without document type definitions, so that no entity is ever expanded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn
from xml.etree import ElementTree


class _NoDoctype(ElementTree.TreeBuilder):
    def doctype(self, *_: object) -> NoReturn:
        raise ValueError("has a document type definition, which markers need not and which may do harm: remove it")


def load_xml(path: Path) -> ElementTree.Element:
    """The root of an XML file.

    Raises:
        ValueError: it is no whole XML, or has a document type definition.
    """
    try:
        return ElementTree.fromstring(path.read_bytes(), ElementTree.XMLParser(target=_NoDoctype()))
    except ElementTree.ParseError as error:
        raise ValueError(f"{path}: is no whole XML ({error}): save the markers again") from error
    except (ValueError, LookupError) as error:  # the latter for an encoding that nobody knows
        raise ValueError(f"{path}: {error}") from error


def load_json(path: Path) -> Any:
    """The content of a JSON file.

    Raises:
        ValueError: it is no JSON, or nested too deeply to be read.
    """
    try:
        return parse_json(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path}: is no whole JSON ({error}): export the file again") from error


def parse_json(text: bytes | str, only_finite: bool = False) -> Any:
    """The content of JSON text.

    Args:
        text: UTF-8 where it is bytes.
        only_finite: whether NaN and Infinity, which are no JSON and which some programs write, are refused.

    Raises:
        ValueError: it is no JSON, or nested too deeply to be read.
    """
    try:
        return json.loads(text, parse_constant=_no_number if only_finite else None)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"it holds {name}, which is no number")

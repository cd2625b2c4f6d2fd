# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Text that a stranger may have written: XML, JSON, names.

XML is read by defusedxml, without document type definitions: no entity is ever expanded, nothing else is fetched.
"""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any, NoReturn
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring


def parse_xml(content: str | bytes, what: str, mend: str = "export it again") -> Element:
    """The root of an XML text.

    Args:
        content: the text.
        what: whose it is, for messages: a file, "its OME-XML".
        mend: what to do where it is cut short.

    Raises:
        ValueError: it is no whole XML, or has a document type definition.
    """
    try:
        return fromstring(content, forbid_dtd=True)
    except DefusedXmlException as error:
        raise ValueError(
            f"{what}: has a document type definition, which it need not and which may do harm: remove it"
        ) from error
    except (ParseError, ValueError, LookupError) as error:  # the last for an encoding that nobody knows
        raise ValueError(f"{what}: is no whole XML ({error}): {mend}") from error


def load_xml(path: Path) -> Element:
    """The root of an XML file; ValueError as `parse_xml`."""
    return parse_xml(path.read_bytes(), str(path), "save or export it again")


def composed(name: str) -> str:
    """A name with every accent composed with its letter (Unicode's NFC).

    A letter with an accent has two spellings, and file systems differ: names that look alike become equal.
    """
    return unicodedata.normalize("NFC", name)


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

# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""`manifest.json` as a file: its form, and what it records of a stage's folder; see `manifest`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .leftovers import is_temporary
from .provenance import sha256
from .sole_run import is_lock
from .untrusted_text import parse_json
from .value_rules import FLAG, Rule, is_number, quoted

MANIFEST = "manifest.json"
NAMED = Rule("a JSON object", lambda value: isinstance(value, dict))
FORM = {
    "stage": Rule("a text", lambda value: isinstance(value, str)),
    "complete": FLAG,
    "replacing": FLAG,
    "settings": NAMED,
    "inputs": NAMED,
    "record": NAMED,
    "versions": NAMED,
    "notes": NAMED,
    "written": Rule(
        "an object of files", lambda value: isinstance(value, dict) and all(map(_is_written, value.values()))
    ),
    "sessions": Rule("a list of sessions", lambda value: isinstance(value, list) and all(map(_is_session, value))),
}
SYSTEM_FILES = (".DS_Store", "Thumbs.db")  # what systems put into folders by themselves


def read_manifest(folder: str | Path) -> dict[str, Any] | None:
    """The manifest of a stage folder, or None where there is none.

    Raises:
        ValueError: the file is not JSON, or a part of it is of another type than this code writes (it was edited or the
            disk failed; this code never writes one by halves).
    """
    path = Path(folder) / MANIFEST
    if not path.is_file():
        return None
    try:
        manifest = parse_json(path.read_bytes())
    except ValueError as error:
        raise ValueError(
            f"{path} is not readable JSON ({error}): move the folder {folder} away and run again"
        ) from error
    if not isinstance(manifest, dict):
        raise ValueError(f"{path} holds no JSON object: move the folder {folder} away and run again")
    for name, rule in FORM.items():
        if name in manifest and not rule.fits(manifest[name]):
            raise ValueError(
                f"{path}: {name} is {quoted(manifest[name])}, which should be {rule.wants}: move the folder {folder}"
                " away and run again"
            )
    return manifest


def written_files(folder: str | Path) -> dict[str, dict[str, Any]]:
    """What lies in a stage folder: name -> {sha256, bytes} of a file, {files, bytes, sha256} of a folder.

    A folder's `sha256` is by the names of its files, relative to it.
    """
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(Path(folder).iterdir()):
        if path.is_dir():
            files = [file for file in path.rglob("*") if file.is_file() and is_result(file)]
            digests = {file.relative_to(path).as_posix(): sha256(file) for file in sorted(files)}
            size = sum(file.stat().st_size for file in files)
            found[path.name] = {"files": len(files), "bytes": size, "sha256": digests}
        elif path.name != MANIFEST and is_result(path):
            found[path.name] = written_file(path)
    return found


def written_file(path: Path) -> dict[str, Any]:
    """What a manifest keeps of one file: {sha256, bytes}."""
    return {"sha256": sha256(path), "bytes": path.stat().st_size}


def recorded_digest(manifest: Mapping[str, Any] | None, name: str) -> str | None:
    """The SHA-256 that a whole stage's manifest keeps of a file.

    Args:
        manifest: as `read_manifest` gives it.
        name: relative to the stage's folder, with slashes.

    Returns:
        None: the stage is not whole, or the manifest does not list the file.
    """
    if manifest is None or not manifest.get("complete"):
        return None
    first, _, rest = name.partition("/")
    found = manifest.get("written", {}).get(first, {}).get("sha256")
    return found.get(rest) if isinstance(found, Mapping) else found


def is_result(path: Path) -> bool:
    """Whether a file is one that somebody wrote whole: no lock, none of the system's, none that a killed run left."""
    return not is_temporary(path) and not is_lock(path) and path.name not in SYSTEM_FILES


def through_json(content: Mapping[str, Any]) -> dict[str, Any]:
    """The content as JSON gives it back (tuples as lists, NaN as text), so that it compares equal after reading."""
    return json.loads(json.dumps(dict(content), default=str), parse_constant=str)


def _is_session(value: Any) -> bool:
    return isinstance(value, dict) and (value.get("seconds") is None or is_number(value["seconds"]))


def _is_written(value: Any) -> bool:
    return isinstance(value, dict) and all(is_number(value[name]) for name in ("bytes", "files") if name in value)

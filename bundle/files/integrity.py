# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Whether a file still holds the bytes that were written: by a zip's own checksums, and by the manifest of its stage.

torch reads archives without comparing their checksums, so a changed weight would be used without a word. Every check
reads the file once per process and version of the file.
"""

from __future__ import annotations

import os
import zipfile
from functools import lru_cache
from pathlib import Path

from .manifest_file import MANIFEST, read_manifest, recorded_digest
from .provenance import sha256


class ChangedFileError(ValueError):
    """A file does not hold the bytes that were written."""


def check_archive(path: str | os.PathLike[str]) -> None:
    """Compare the parts of a zip archive, such as a file that torch writes, with the checksums in it.

    Raises:
        ChangedFileError: a part was changed, or the archive is cut.
    """
    status = os.stat(path)
    damage = _damage_of(os.fspath(path), status.st_size, status.st_mtime_ns)
    if damage:
        raise ChangedFileError(f"{path}: damaged ({damage}): copy it again, or use another one")


@lru_cache(maxsize=10_000)
def _damage_of(path: str, size: int, modified: int) -> str:
    """What is wrong with an archive; "" where nothing is."""
    try:
        with zipfile.ZipFile(path) as archive:
            part = archive.testzip()
    except (zipfile.BadZipFile, RuntimeError, EOFError, ValueError, OSError) as error:
        return str(error)
    return "" if part is None else f"the checksum of {part!r} in it is another one"


def check_recorded(path: str | os.PathLike[str]) -> None:
    """Compare a file with what the manifest of its stage says of it, where the stage is whole and lists it.

    Raises:
        ChangedFileError: it was changed after the stage had finished.
        ValueError: the manifest cannot be read.
    """
    path = Path(path)
    for folder in list(path.absolute().parents)[:2]:  # a stage's own files, and those in its folders
        digest = recorded_digest(read_manifest(folder), path.absolute().relative_to(folder).as_posix())
        if digest is not None and digest != sha256(path):
            raise ChangedFileError(
                f"{path}: was changed after it had been written (its SHA-256 is not that of {folder / MANIFEST}): copy"
                " it again with its folder, or make the stage anew"
            )

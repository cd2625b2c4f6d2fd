# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""A file that others may change too: it is written only over the very content that was last seen in it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, TypeVar

from ...files.atomic import write_whole

T = TypeVar("T")
READS = 5  # a file that changes while it is read is read again so often


class ChangedOutsideError(RuntimeError):
    """The file holds something else than what was last read or written here."""


class WatchedFile:
    """One file, known by the digest of its content; at first, one that nobody has read yet.

    Args:
        path: the file, which need not be there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: str | None = None

    def changed(self) -> bool:
        """Whether the content differs from what was last read or written here; no file is a content too."""
        return self._digest() != self._seen

    def read(self, parse: Callable[[Path], T]) -> T | None:
        """The content as `parse` understands it, None where there is no file; from now on it counts as seen.

        Raises:
            OSError, ValueError: as `parse`; or the file changes faster than it is read.
        """
        for _ in range(READS):
            digest = self._digest()
            content = None if digest is None else parse(self.path)
            if digest == self._digest():
                self._seen = digest
                return content
        raise OSError(f"{self.path}: changes while it is read: close the program that writes it")

    def write(self, text: str | None) -> None:
        """Replace the content in one step; None removes the file.

        Raises:
            ChangedOutsideError: the content is not the one last seen; it stays as it is.
            OSError: it could not be written, and stays as it is.
        """
        if text is None:
            self._refuse_changed()
            self.path.unlink(missing_ok=True)
            self._seen = None
            return
        content = text.encode("utf-8")

        def fill(stream: BinaryIO) -> None:
            stream.write(content)
            self._refuse_changed()  # as late as can be: the next step is the renaming

        self.path.parent.mkdir(exist_ok=True)
        write_whole(self.path, fill)
        self._seen = hashlib.sha256(content).hexdigest()

    def _refuse_changed(self) -> None:
        if self.changed():
            raise ChangedOutsideError(f"{self.path}: was changed by another program")

    def _digest(self) -> str | None:
        try:
            return hashlib.sha256(self.path.read_bytes()).hexdigest()
        except FileNotFoundError:
            return None

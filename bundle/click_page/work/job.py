# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""A command of this project that runs beside the page, as a process of its own; it outlives the page."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
TAIL = 4000  # bytes of the log's end that are looked at


class Job:
    """A command that was started.

    Args:
        module: what `python -m` runs.
        arguments: of it.
        log: where its words go; written anew.
    """

    def __init__(self, module: str, arguments: Sequence[str], log: Path) -> None:
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as stream:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C at the page is not meant for it
            )

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    @property
    def succeeded(self) -> bool:
        """Whether it ended well."""
        return self._process.poll() == 0

    def stop(self) -> None:
        """End it as Ctrl-C does, with its own processes."""
        if self.running:
            if os.name == "posix":
                os.killpg(self._process.pid, signal.SIGINT)
            else:
                self._process.terminate()

    def last_line(self) -> str:
        """What it said last."""
        with self.log.open("rb") as stream:
            stream.seek(max(self.log.stat().st_size - TAIL, 0))
            lines = stream.read().decode("utf-8", "replace").replace("\r", "\n").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

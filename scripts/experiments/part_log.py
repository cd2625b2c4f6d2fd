# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Parts of a long run on a machine that may be taken away: how much time each may take, what each found.

All of it is one JSON file, written anew as the run goes on, so that the next session knows what was done and how much
of the time is used up.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bundle.files.atomic import write_json
from bundle.files.error_lines import explain, root_cause
from bundle.pipeline.runner import describe_seconds

logger = logging.getLogger(__name__)

BEGUN, DONE, FAILED = "begun", "done", "failed"


class PartLog:
    """The parts of a run, by name, and the clock of all its sessions together.

    Args:
        path: the JSON file; one that is there is gone on with.
        minutes: that the whole run may take.

    Raises:
        ValueError: `minutes` is not positive, or the file is none of ours.
    """

    def __init__(self, path: Path, minutes: float) -> None:
        if not minutes > 0:
            raise ValueError(f"minutes is {minutes:g}: give how many the whole run may take")
        self.path, self.minutes, self.parts = path, minutes, dict[str, dict[str, Any]]()
        self._before = 0.0
        if path.is_file():
            content = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(content, dict) or not {"seconds", "parts"} <= set(content):
                raise ValueError(f"{path}: not the log of such a run: name another output folder")
            self.parts, self._before = content["parts"], float(content["seconds"])
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """That all sessions took so far; of one that was killed, until it last wrote."""
        return self._before + time.monotonic() - self._started

    @property
    def left(self) -> float:
        """Seconds that are left; negative where more were taken."""
        return 60 * self.minutes - self.seconds

    def share(self, part: float) -> float:
        """Seconds of a part of the whole time."""
        return 60 * self.minutes * part

    def state(self, name: str) -> str:
        """`BEGUN`, `DONE` or `FAILED`; "" where a part was not begun."""
        return str(self.parts.get(name, {}).get("state", ""))

    def found(self, name: str) -> dict[str, Any]:
        """What a part has noted."""
        found: dict[str, Any] = self.parts.get(name, {}).get("found", {})
        return found

    def note(self, name: str, **facts: Any) -> None:
        """Keep what a part found or decided."""
        self.parts.setdefault(name, {}).setdefault("found", {}).update(facts)
        self.write()

    def write(self) -> None:
        """Write the file as things are now."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_json(self.path, {"minutes": self.minutes, "seconds": round(self.seconds, 1), "parts": self.parts})

    @contextmanager
    def part(self, name: str, budget: float) -> Iterator[None]:
        """Around the work of a part: says its budget before, and keeps how it ended and how long it took.

        An error ends the part and not the run: it is logged and kept, and what needs the part fails in its turn.

        Args:
            name: of the part.
            budget: seconds that it may take.
        """
        entry = self.parts.setdefault(name, {})
        entry |= {"state": BEGUN, "budget_seconds": round(budget, 1)}
        self.write()
        logger.info(
            "part %s: at most %s of %s left", name, describe_seconds(budget), describe_seconds(max(self.left, 0))
        )
        started, spent = time.monotonic(), entry.get("seconds", 0.0)
        try:
            yield
            entry |= {"state": DONE}
            entry.pop("error", None)
        except Exception as error:  # the machine's time goes on: so do the other parts
            entry |= {"state": FAILED, "error": explain(root_cause(error))}
            logger.error("part %s: %s", name, entry["error"])
            logger.debug("", exc_info=True)
        finally:
            entry["seconds"] = round(spent + time.monotonic() - started, 1)
            self.write()

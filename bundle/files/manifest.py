# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""`manifest.json`: what a stage folder holds, how it was made, and whether it is whole.

Stages talk through folders on disk. A manifest is written when a stage begins (`complete: false`) and again when it
ends (`complete: true`), so a killed stage is seen as cut, a finished one is not run twice, and one that was made with
other settings or from other inputs is never taken for the right one. Nothing in here deletes a file of a stage.
"""

from __future__ import annotations

import contextlib
import json
import logging
import time
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock

from .atomic import write_json
from .manifest_file import MANIFEST, is_result, read_manifest, through_json, written_files
from .provenance import sha256, versions
from .sole_run import give_back, lock_in, take

logger = logging.getLogger(__name__)

AUTO = "auto"  # a setting of this value leaves the choice to the machine, so whatever was chosen before fits it
GONE = " is gone"  # end of a line about a file


class StageManifest:
    """The manifest of a stage that is being run: begun, then finished.

    Configurations name it too (`run` begins it, `finalize` finishes it), so that a stage run alone writes one; the
    pipeline puts its own object in that place. Beginning or finishing the same object again does nothing.

    Args:
        folder: the stage's folder, made when it is not there.
        stage: the stage's name.
        settings: config id -> value, all that decides the result (no machine paths); compared by `differences`.
        inputs: name -> SHA-256 of everything the stage reads; compared by `differences`.
        record: more to keep and not to compare, e.g. device, paths, hashes of the config files.
        replace: whether all that lies there is made anew, so that it may have been made otherwise.
        added: settings that add files and change none, so that a finished output may be added to with others.
        edited: whether a finished result may have been changed by hand: it is said and kept, not refused.
    """

    def __init__(
        self,
        folder: str | Path,
        stage: str,
        settings: Mapping[str, Any] | None = None,
        inputs: Mapping[str, str] | None = None,
        record: Mapping[str, Any] | None = None,
        replace: bool = False,
        added: Collection[str] = (),
        edited: bool = False,
    ) -> None:
        self.folder, self.stage = Path(folder), stage
        self.settings, self.inputs, self.record = settings or {}, inputs or {}, record or {}
        self.replace, self.added, self.edited = replace, added, edited
        self.notes: dict[str, Any] = {}
        self._started: float | None = None
        self._finished = False
        self._lock: FileLock | None = None

    def begin(self) -> None:
        """Keep other runs out, and mark the folder as begun and not whole.

        A resumed stage keeps what its earlier sessions recorded.

        Raises:
            BlockingIOError: another run works in the folder.
            FileExistsError: it holds the output of another stage.
            ValueError: it holds what was made with other settings or from other inputs, or a finished result with other
                bytes than were written; names them.
        """
        if self._started is not None:
            return
        self._lock = take(lock_in(self.folder), self.folder, again=True)
        try:
            earlier = read_manifest(self.folder) or {}
            self._refuse_others(earlier)
        except (ValueError, OSError):
            self.let_go()
            raise
        self._started = time.time()
        content = {
            "stage": self.stage,
            "complete": False,
            "settings": through_json(self.settings),
            "inputs": dict(self.inputs),
            "replacing": self.replace,
        }
        content |= {"versions": versions(), "record": through_json(self.record)}
        content |= {
            "sessions": [
                *earlier.get("sessions", []),
                {"started": _utc(self._started), "finished": None, "seconds": None},
            ]
        }
        write_json(self.folder / MANIFEST, content)

    def note(self, **facts: Any) -> None:
        """Keep what the stage found out, such as the sampler's k, to be written when it finishes; not compared."""
        self.notes |= facts

    def finish(self) -> None:
        """Mark the folder as whole and list what was written, files by SHA-256.

        Raises:
            ValueError: the stage was not begun.
        """
        content = read_manifest(self.folder)
        if content is None or self._started is None:
            raise ValueError(f"{self.folder / MANIFEST}: the stage {self.stage} was not begun")
        if self._finished:
            return
        now = time.time()
        content["sessions"][-1] |= {"finished": _utc(now), "seconds": round(now - self._started, 1)}
        content |= {
            "complete": True,
            "replacing": False,
            "notes": through_json(self.notes),
            "written": written_files(self.folder),
        }
        write_json(self.folder / MANIFEST, content)
        self._finished = True
        self.let_go()

    def let_go(self) -> None:
        """Let other runs into the folder; a process that ends does so by itself."""
        if self._lock is not None:
            give_back(self._lock)
            self._lock = None

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        """Begin, and finish where no error comes between; errors as `begin`."""
        self.begin()
        try:
            yield
            self.finish()
        finally:
            self.let_go()

    def _refuse_others(self, earlier: Mapping[str, Any]) -> None:
        mend = "nothing of it is touched: name another output folder"
        if earlier.get("stage", self.stage) != self.stage:
            raise FileExistsError(
                f"{self.folder} holds the output of {earlier['stage']!r}, not of {self.stage!r}: {mend}"
            )
        if self.replace or not earlier or not _holds_results(self.folder):
            return
        if earlier.get("replacing"):
            raise ValueError(
                f"{self.folder}: a run that replaced what was there was cut, so some of it is old: give the same"
                " command again, with overwrite"
            )
        passed = self.added if earlier.get("complete") else ()
        settings = {name: value for name, value in through_json(self.settings).items() if name not in passed}
        lines = _changes(earlier.get("settings", {}), settings, "setting", show=True, shared=True)
        lines += _changes(earlier.get("inputs", {}), dict(self.inputs), "input", show=False, shared=True)
        if lines:
            raise ValueError(
                f"{self.folder} holds what was made otherwise ({'; '.join(lines[:5])}): {mend}, or go back to what it"
                " was made with"
            )
        if earlier.get("complete"):
            refuse_changed(self.folder, earlier.get("written", {}), self.edited)


def refuse_changed(folder: Path, written: Mapping[str, Mapping[str, Any]], edited: bool = False) -> None:
    """Compare the results of a finished stage with what its manifest says was written.

    Files that are gone are only said: most stages make them anew. So are changed ones that may be `edited` by hand.

    Raises:
        ValueError: a file has other bytes; names it, and what to do.
    """
    altered = _altered(folder, written)
    said = [line for line in altered if line.endswith(GONE) or edited]
    for line in said:
        logger.warning("%s", line if line.endswith(GONE) else f"{line}, and is kept as it is")
    if changed := [line for line in altered if line not in said]:
        raise ValueError(
            f"{'; '.join(changed[:5])}: copy it again, remove it to make it anew, or name another output folder"
        )


def _holds_results(folder: Path) -> bool:
    return any(path.name != MANIFEST and is_result(path) for path in folder.iterdir())


def stage_state(folder: str | Path, settings: Mapping[str, Any], inputs: Mapping[str, str]) -> str:
    """What to do with a stage folder: "absent": run it, "partial": resume it, "done": skip it, "stale": ask the user.

    Args:
        folder: the stage's folder; it may not exist.
        settings: as the `StageManifest` of now gets them.
        inputs: as the `StageManifest` of now gets them.

    Raises:
        FileExistsError: the folder holds something and no manifest, so it is not a stage's.
        ValueError: the manifest cannot be read.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    if manifest is None:
        others = [path.name for path in folder.iterdir() if is_result(path)] if folder.is_dir() else []
        if others:
            raise FileExistsError(
                f"{folder} holds {others[0]!r} but no {MANIFEST}: nothing of it is touched; name another output folder "
                "or move it away"
            )
        return "absent"
    if not manifest.get("complete") and not _holds_results(folder):
        return "absent"  # it was begun and stopped before it wrote anything
    if differences(folder, settings, inputs):
        return "stale"
    return "done" if manifest.get("complete") else "partial"


def differences(folder: str | Path, settings: Mapping[str, Any], inputs: Mapping[str, str]) -> list[str]:
    """What differs between the manifest in `folder` and the settings and inputs of now, a line each; [] for nothing."""
    manifest = read_manifest(folder) or {}
    lines = _changes(manifest.get("settings", {}), through_json(settings), "setting", show=True)
    lines += _changes(manifest.get("inputs", {}), dict(inputs), "input", show=False)
    return lines + (_altered(Path(folder), manifest.get("written", {})) if manifest.get("complete") else [])


def _changes(old: Mapping[str, Any], new: Mapping[str, Any], kind: str, show: bool, shared: bool = False) -> list[str]:
    """A line for every difference; `shared` leaves out what one of them does not know."""
    lines = []
    for name in sorted({*old} & {*new} if shared else {*old, *new}):
        if name not in old:
            lines.append(f"{kind} {name} is new")
        elif name not in new:
            lines.append(f"{kind} {name} is gone")
        elif old[name] != new[name] and new[name] != AUTO:
            lines.append(
                f"{kind} {name} changed" + (f" from {_short(old[name])} to {_short(new[name])}" if show else "")
            )
    return lines


def _altered(folder: Path, written: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Files recorded as written that are not there any more, or in part, or with other bytes."""
    lines = []
    for name, what in written.items():
        path = folder / name
        if not path.exists():
            lines.append(f"{path}{GONE}")
        elif path.is_file() and path.stat().st_size != what.get("bytes"):
            lines.append(f"{path} has {path.stat().st_size} bytes instead of {what.get('bytes')}")
        elif path.is_dir() and not isinstance(what.get("sha256"), Mapping) and _files_in(path) < what.get("files", 0):
            lines.append(f"{path} has fewer than {what.get('files')} files")
        else:
            lines += _changed_bytes(path, what.get("sha256"))
    return lines


def _files_in(folder: Path) -> int:
    return sum(path.is_file() for path in folder.rglob("*"))


def _changed_bytes(path: Path, digests: str | Mapping[str, str] | None) -> list[str]:
    """Of a file with its digest, or of a folder with those of its files; no digest, as in old manifests: nothing."""
    named = {path / name: digest for name, digest in digests.items()} if isinstance(digests, Mapping) else {}
    named |= {path: digests} if isinstance(digests, str) else {}
    lines = [f"{file}{GONE}" for file in named if not file.is_file()]
    changed = [file for file, digest in named.items() if file.is_file() and sha256(file) != digest]
    return lines + [f"{file} has other bytes than were written" for file in changed]


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")

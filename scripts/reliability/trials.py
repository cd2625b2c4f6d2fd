# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Trials of one job: killed and given again, and disturbed in other ways; each ends in a word of OUTCOMES."""

from __future__ import annotations

import random
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .children import Child, Ended, Limits, run_command_within
from .jobs import CommandUnderTest, Reference, content, unfinished
from .stand import Stand, failed, fresh

KILLS = 3  # of one run, before it may end
TRIES = 3  # of the same command after a fault

BEFORE = "stopped before it began"
GOOD = ("same result", "told", "told and refused", BEFORE)
OUTCOMES = (*GOOD, "other result", "left over", "silent", "traceback", "hung")


@dataclass(frozen=True)
class Outcome:
    """How a trial ended: a word of OUTCOMES, what of it, and how often something was killed."""

    word: str
    detail: str = ""
    kills: int = 0


def reference(job: CommandUnderTest, stand: Stand, folder: Path) -> Reference:
    """Run a job twice, undisturbed, at the same place.

    Raises:
        RuntimeError: it fails, or does not end alike.
    """
    found, seconds, largest = [], 0.0, 0
    for _ in range(2):
        _prepare(job, stand, folder)
        ended = run_command_within(job.command(stand, folder, begun=False))
        if failed(ended):
            raise RuntimeError(f"{job.name} fails undisturbed: {ended.last}")
        found.append(content(folder))
        seconds = ended.seconds
        largest = max(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    first, second = found
    if set(first) != set(second):
        raise RuntimeError(f"{job.name} writes other files the second time: {sorted(set(first) ^ set(second))}")
    equal = {name: digest for name, digest in first.items() if second[name] == digest and name not in job.changed}
    return Reference(frozenset(first), equal, seconds, largest)


def killed(job: CommandUnderTest, stand: Stand, whole: Reference, folder: Path, draw: random.Random) -> Outcome:
    """Kill a run some times at random moments, each time giving the command again, then let it end."""
    _prepare(job, stand, folder)
    kills = begun = 0
    for _ in range(KILLS):
        moment = draw.uniform(0, whole.seconds)
        ended = run_command_within(job.command(stand, folder, begun > 0), Limits(signals={moment: signal.SIGKILL}))
        begun += 1
        if ended.code != -signal.SIGKILL:
            break  # it was faster
        kills += 1
        if ended.traceback:
            return Outcome("traceback", ended.last, kills)
    return _compare_with_reference(_finish(job, stand, folder, begun > 0), whole, folder, kills)


def interrupted(job: CommandUnderTest, stand: Stand, whole: Reference, folder: Path, draw: random.Random) -> Outcome:
    """Ctrl-C at a random moment, then the same command."""
    _prepare(job, stand, folder)
    moment = draw.uniform(0.05, max(whole.seconds, 0.1))
    ended = run_command_within(job.command(stand, folder, False), Limits(signals={moment: signal.SIGINT}))
    if ended.traceback and ended.last.endswith("KeyboardInterrupt") and not content(folder):
        return Outcome(BEFORE, ended.last)  # by Python itself: no line of ours has run
    return _then_again(ended, job, stand, whole, folder)


def full_disk(job: CommandUnderTest, stand: Stand, whole: Reference, folder: Path, draw: random.Random) -> Outcome:
    """No file may become larger than some bytes; then room, and the same command."""
    _prepare(job, stand, folder)
    limit = int(10 ** draw.uniform(1, len(str(whole.largest))))
    ended = run_command_within(job.command(stand, folder, False), Limits(file_bytes=limit))
    if ended.code and not ended.traceback and str(folder) not in ended.said:
        return Outcome("silent", f"the output is not named: {ended.last}")
    return _then_again(ended, job, stand, whole, folder)


def no_folder(job: CommandUnderTest, stand: Stand, whole: Reference, folder: Path, draw: random.Random) -> Outcome:
    """A file lies where the output's folder has to be; then it goes, and the same command."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_bytes(b"in the way")
    ended = run_command_within(job.command(stand, folder, False))
    folder.unlink()
    if ended.code == 0:
        return Outcome("silent", "ends well without a place for its results")
    _prepare(job, stand, folder)
    return _then_again(ended, job, stand, whole, folder, begun=False)


def two_at_once(job: CommandUnderTest, stand: Stand, whole: Reference, folder: Path, draw: random.Random) -> Outcome:
    """The same command while it runs already; what is refused is given again."""
    _prepare(job, stand, folder)
    first = Child(job.command(stand, folder, False), Limits())
    second = Child(job.command(stand, folder, False), Limits(signals={}))
    for ended in (first.wait(), second.wait()):
        if ended.traceback or ended.hung:
            return Outcome("hung" if ended.hung else "traceback", ended.last)
    return _compare_with_reference(_finish(job, stand, folder, True), whole, folder)


def spoilt(change: Callable[[Path, random.Random], str]) -> Callable[..., Outcome]:
    """A trial that changes a file of a finished result and gives the command again."""

    def trial(job: CommandUnderTest, stand: Stand, whole: Reference, folder: Path, draw: random.Random) -> Outcome:
        _prepare(job, stand, folder)
        ended = run_command_within(job.command(stand, folder, False))
        if failed(ended):
            return Outcome("traceback", ended.last)
        name = draw.choice(sorted(job.changed or whole.names))  # of its own results
        what = change(folder / name, draw)
        ended = run_command_within(job.command(stand, folder, True))
        detail = f"{name} {what}: {ended.last}"
        if ended.hung or ended.traceback:
            return Outcome("hung" if ended.hung else "traceback", detail)
        if ended.code:
            return Outcome("told and refused", detail)
        if found := whole.differences(folder):
            return Outcome("told" if Path(name).name in ended.said else "silent", f"{name} {what}; {found[0]}")
        return Outcome("same result", detail)

    return trial


def flip(path: Path, draw: random.Random) -> str:
    """Change one bit."""
    data = bytearray(path.read_bytes() or b"\0")
    place = draw.randrange(len(data))
    data[place] ^= 1 << draw.randrange(8)
    path.write_bytes(data)
    return f"with another bit in byte {place}"


def cut(path: Path, draw: random.Random) -> str:
    """Keep the beginning."""
    data = path.read_bytes()
    left = draw.randrange(max(len(data), 1))
    path.write_bytes(data[:left])
    return f"cut to {left} of {len(data)} bytes"


def remove(path: Path, draw: random.Random) -> str:
    """Delete."""
    path.unlink()
    return "deleted"


FAULTS = {
    "disk full": full_disk,
    "Ctrl-C": interrupted,
    "output is a file": no_folder,
    "two runs at once": two_at_once,
    "a bit of a result changed": spoilt(flip),
    "a result cut": spoilt(cut),
    "a result deleted": spoilt(remove),
}


def _prepare(job: CommandUnderTest, stand: Stand, folder: Path) -> None:
    fresh(folder)
    if job.prepare is not None:
        job.prepare(stand, folder)


def _finish(job: CommandUnderTest, stand: Stand, folder: Path, begun: bool) -> Ended:
    return run_command_within(job.command(stand, folder, begun))


def _then_again(
    ended: Ended, job: CommandUnderTest, stand: Stand, whole: Reference, folder: Path, begun: bool = True
) -> Outcome:
    if ended.hung or ended.traceback:
        return Outcome("hung" if ended.hung else "traceback", ended.last)
    return _compare_with_reference(_finish(job, stand, folder, begun), whole, folder)


def _compare_with_reference(ended: Ended, whole: Reference, folder: Path, kills: int = 0) -> Outcome:
    if ended.hung or ended.traceback:
        return Outcome("hung" if ended.hung else "traceback", ended.last, kills)
    if left := unfinished(folder):
        return Outcome("left over", ", ".join(left[:3]), kills)
    found = whole.differences(folder)
    if ended.code:
        word = "told and refused" if found else "same result"  # a result that is there is not overwritten
        return Outcome(word, ended.last, kills)
    return Outcome("other result", "; ".join(found[:3]), kills) if found else Outcome("same result", "", kills)

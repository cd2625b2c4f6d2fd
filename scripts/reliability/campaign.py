# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The whole campaign: trials in a fixed order, each kept when it has ended, so that it goes on where it was cut."""

from __future__ import annotations

import importlib
import logging
import random
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from scripts.experiments.page import around, enter, markdown_table
from scripts.experiments.records import Record, read_records, write_records

from .bad_inputs import ENDS, bad_file, bad_option, inputs
from .jobs import CommandUnderTest, Reference, jobs
from .stand import Stand, make_stand
from .trials import FAULTS, OUTCOMES, Outcome, killed, reference

logger = logging.getLogger(__name__)

# imported once, before any command is forked: what commands import
IMPORTED = (
    "monai.bundle",
    *(f"scripts.{name}" for name in ("pipeline", "segment", "prepare_data", "tune", "package", "report")),
    *(f"bundle.engines.{name}" for name in ("gan", "segmentation", "log_file", "saving", "tensorboard", "samples")),
)
KEPT = "trials.csv"
DETAIL = 300  # characters


@dataclass(frozen=True)
class Trial:
    """One trial.

    Attributes:
        row: of the table.
        seed: its number in the row.
        kind: kill, fault or input.
        run: what to do.
    """

    row: str
    seed: int
    kind: str
    run: Callable[[random.Random], Outcome]


def reliability(
    folder: str, kills: int = 200, faults: int = 100, inputs: int = 500, only: str = "", page: str = ""
) -> None:
    """Kill commands, disturb them and give them bad files; how many of each ended how.

    Needs POSIX. Trials that have ended are in FOLDER/trials.csv and are not made again.

    Args:
        folder: for all that is written; the same folder goes on.
        kills: processes to kill, over all commands.
        faults: commands to disturb in other ways.
        inputs: bad files and options.
        only: a part of the names of rows; "": all.
        page: Markdown page to put the tables into, such as docs/reliability.md, between the marks that it has for them.
    """
    around(page, "reliability")
    place = Path(folder).resolve()
    torch.set_num_threads(1)
    for name in IMPORTED:
        importlib.import_module(name)
    stand = make_stand(place / "stand")
    records = read_records(place / KEPT)
    done = {(record["row"], record["seed"]): record for record in records}
    wanted, counted = {"kill": kills, "fault": faults, "input": inputs}, Counter[str]()
    for trial in _trials(stand, place / "trial", max(wanted.values())):
        if counted[trial.kind] >= wanted[trial.kind] or only not in trial.row:
            continue
        if (trial.row, trial.seed) not in done:
            outcome = trial.run(random.Random(zlib.crc32(f"{trial.row} {trial.seed}".encode())))
            records.append(_trial_record(trial, outcome))
            write_records(place / KEPT, records)
            logger.info("%s %d: %s %s", trial.row, trial.seed, outcome.word, outcome.detail[-DETAIL:])
        record = done.get((trial.row, trial.seed), records[-1])
        counted[trial.kind] += int(record["kills"]) if trial.kind == "kill" else 1
    text = tables(records)
    logger.info("\n%s", text)
    enter(page, "reliability", text)


def _trial_record(trial: Trial, outcome: Outcome) -> Record:
    detail = " ".join(outcome.detail.split()).encode("ascii", "backslashreplace").decode()
    return {
        **{"row": trial.row, "seed": trial.seed, "kind": trial.kind, "ended": outcome.word, "kills": outcome.kills},
        "detail": detail[-DETAIL:],
    }


def _trials(stand: Stand, scratch: Path, rounds: int) -> Iterator[Trial]:
    """Round after round over all rows."""
    wholes = _References(stand, scratch)
    rows: list[tuple[str, str, Callable[[random.Random], Outcome]]] = []
    for job in jobs().values():
        rows.append(("kill", f"killed: {job.name}", partial(_disturb, killed, job, stand, wholes, scratch)))
        for name, fault in FAULTS.items():
            rows.append(("fault", f"{name}: {job.name}", partial(_disturb, fault, job, stand, wholes, scratch)))
        rows.append(("input", f"option: {job.name}", partial(bad_option, job, stand, scratch)))
    rows += [("input", f"file: {name}", partial(bad_file, each, stand, scratch)) for name, each in inputs().items()]
    for number in range(rounds):
        for kind, row, run in rows:
            yield Trial(row, number, kind, run)


def _disturb(
    trial: Callable[..., Outcome],
    job: CommandUnderTest,
    stand: Stand,
    wholes: _References,
    scratch: Path,
    draw: random.Random,
) -> Outcome:
    return trial(job, stand, wholes(job), scratch, draw)


class _References:
    """Of each job, made when it is first asked for."""

    def __init__(self, stand: Stand, folder: Path) -> None:
        self.stand, self.folder, self.made = stand, folder, dict[str, Reference]()

    def __call__(self, job: CommandUnderTest) -> Reference:
        if job.name not in self.made:
            self.made[job.name] = reference(job, self.stand, self.folder)
        return self.made[job.name]


def tables(records: Sequence[Record]) -> str:
    """How trials ended, a line for each command or kind of file, as Markdown."""
    parts = []
    for kind, title, ends in (
        ("kill", "Killed at random moments, then given again", OUTCOMES),
        ("fault", "Disturbed in other ways", OUTCOMES),
        ("input", "Bad files and options", ENDS),
    ):
        chosen = [record for record in records if record["kind"] == kind]
        if chosen:
            parts.append(f"### {title}\n{_outcome_table(chosen, kind, ends)}")
    return "\n".join(parts)


def _outcome_table(records: Sequence[Record], kind: str, ends: Sequence[str]) -> str:
    def name(record: Record) -> str:
        return str(record["row"]).split(": ")[0] if kind == "fault" else str(record["row"])

    groups = {group: [record for record in records if name(record) == group] for group in map(name, records)}
    groups["**all**"] = list(records)
    lines = []
    for group, members in groups.items():
        counts = Counter(record["ended"] for record in members)
        more = [str(sum(int(record["kills"]) for record in members))] if kind == "kill" else []
        lines.append([group, str(len(members)), *more, *(str(counts[end] or "") for end in ends)])
    return markdown_table(["", "trials", *(["kills"] if kind == "kill" else []), *ends], lines)

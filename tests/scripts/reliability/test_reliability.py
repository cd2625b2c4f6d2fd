# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The campaign sees what it is there to see: kills, full disks, tracebacks, hanging and silent commands."""

from __future__ import annotations

import json
import os
import random
import signal

import pytest

from scripts.reliability.bad_files import any_bytes, any_json, any_text
from scripts.reliability.campaign import tables
from scripts.reliability.children import Command, Limits, run_command_within
from scripts.reliability.jobs import CommandUnderTest, content
from scripts.reliability.stand import Stand
from scripts.reliability.trials import cut, flip, full_disk, killed, no_folder, reference, spoilt

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks as POSIX does")

# writes three files, each whole; what is there stays
CAREFUL = """
import os, sys, time
from pathlib import Path
from bundle.files.atomic import write_text
folder = Path(sys.argv[1])
try:
    folder.mkdir(parents=True, exist_ok=True)
    for name in "abc":
        if not (folder / name).is_file():
            time.sleep(0.05)
            write_text(folder / name, name * 5000)
except OSError as error:
    sys.exit(f"error: {error}")
"""
# the same without care: appends, and takes what is there for whole
CARELESS = """
import sys, time
from pathlib import Path
folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
for name in "abc":
    if not (folder / name).is_file():
        with open(folder / name, "w") as file:
            for _ in range(10):
                file.write(name * 500)
                file.flush()
                time.sleep(0.01)
"""
TROUBLE = {
    "ends": "pass",
    "says no": "import sys; sys.exit('error: no')",
    "raises": "raise RuntimeError('a bug')",
    "hangs": "import time; time.sleep(60)",
    "dies": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
}


@pytest.fixture
def job(tmp_path, monkeypatch):
    """Makes a job of a program's text."""
    monkeypatch.syspath_prepend(str(tmp_path / "programs"))
    (tmp_path / "programs").mkdir()

    def make(name: str, text: str) -> CommandUnderTest:
        (tmp_path / "programs" / f"{name}.py").write_text(text)
        return CommandUnderTest(name, lambda stand, out: Command(name, [str(out / "results")], tmp_path))

    return make


def test_how_a_command_ends_is_seen(job, tmp_path):
    ended = {
        name: run_command_within(job(name.replace(" ", "_"), text).command(Stand(tmp_path), tmp_path, False), limit=5.0)
        for name, text in TROUBLE.items()
    }
    assert [ended[name].code for name in ("ends", "says no", "raises", "dies")] == [0, 1, 1, -signal.SIGKILL]
    assert [name for name in ended if ended[name].traceback] == ["raises"]
    assert [name for name in ended if ended[name].hung] == ["hangs"]
    assert ended["says no"].last == "error: no"


def test_a_command_is_killed_when_it_is_told(job, tmp_path):
    command = job("hangs", TROUBLE["hangs"]).command(Stand(tmp_path), tmp_path, False)
    ended = run_command_within(command, Limits(signals={0.1: signal.SIGKILL}))
    assert ended.code == -signal.SIGKILL and 0.1 <= ended.seconds < 30 and not ended.hung


def test_a_careful_command_passes_and_a_careless_one_does_not(job, tmp_path):
    outcomes = {}
    for name, text in (("careful", CAREFUL), ("careless", CARELESS)):
        program, stand, folder = job(name, text), Stand(tmp_path), tmp_path / name
        whole = reference(program, stand, folder)
        assert len(whole.equal) == 3 and whole.largest == 5000
        trials = [killed(program, stand, whole, folder, random.Random(seed)) for seed in range(6)]
        assert sum(trial.kills for trial in trials) >= 6
        outcomes[name] = {trial.word for trial in trials}
    assert outcomes["careful"] == {"same result"} and "other result" in outcomes["careless"]


def test_faults(job, tmp_path):
    program, stand, folder, draw = job("careful", CAREFUL), Stand(tmp_path), tmp_path / "out", random.Random(1)
    whole = reference(program, stand, folder)
    assert full_disk(program, stand, whole, folder, draw).word == "same result"
    assert no_folder(program, stand, whole, folder, draw).word == "same result"
    for change in (flip, cut):  # the program does not look at what is there
        assert spoilt(change)(program, stand, whole, folder, draw).word == "silent"


def test_what_is_compared(tmp_path):
    for name in ("a.tif", "run.lock", "events.out.tfevents.1"):
        (tmp_path / name).write_bytes(b"x")
    assert list(content(tmp_path)) == ["a.tif"]


@pytest.mark.parametrize("spoil", [any_bytes, any_text, any_json])
def test_files_are_spoilt_in_many_ways_each_told_and_repeatable(spoil):
    good = json.dumps({"a": [1, 2.5, {"b": "c"}], "d": None}).encode()
    found = {seed: spoil(good, random.Random(seed)) for seed in range(60)}
    assert len({data for _, data in found.values()}) > 20
    assert all(what and isinstance(data, bytes) for what, data in found.values())
    assert {seed: spoil(good, random.Random(seed)) for seed in range(60)} == found


def test_the_tables_count():
    kept = [
        {"row": "killed: a", "seed": 0, "kind": "kill", "ended": "same result", "kills": 3},
        {"row": "killed: a", "seed": 1, "kind": "kill", "ended": "traceback", "kills": 2},
        {"row": "disk full: a", "seed": 0, "kind": "fault", "ended": "same result", "kills": 0},
        {"row": "file: x", "seed": 0, "kind": "input", "ended": "told", "kills": 0},
    ]
    text = tables(kept)
    assert "| killed: a | 2 | 5 | 1 |  |  |  |  |  |  | 1 |  |" in text
    assert "| disk full | 1 | 1 |" in text and "| file: x | 1 |  | 1 |" in text


def test_losses_are_compared_without_their_seconds(tmp_path):
    (tmp_path / "losses.csv").write_text("step,seconds,total\n1,0.1,2\n")
    first = content(tmp_path)
    (tmp_path / "losses.csv").write_text("step,seconds,total\n1,0.2,2\n")
    assert content(tmp_path) == first
    (tmp_path / "losses.csv").write_text("step,seconds,total\n1,0.2,3\n")
    assert content(tmp_path) != first

# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What killed runs leave is removed by the next one, and what somebody still writes is not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from bundle.files.atomic import write_text
from bundle.files.leftovers import MACHINE, is_temporary, scratch_folder, sweep, sweep_once, temporary_path

ROOT = Path(__file__).resolve().parents[3]
KILLED = """
import os, signal, sys
from pathlib import Path
from bundle.files.atomic import write_whole
from bundle.files.leftovers import scratch_folder

def half(stream):
    stream.write(b"half")
    stream.flush()
    with scratch_folder("rehearsal") as folder:
        (folder / "a.txt").touch()
        os.kill(os.getpid(), signal.SIGKILL)

write_whole(Path(sys.argv[1]), half)
"""


@pytest.fixture
def gone() -> int:
    """The number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def kill_while_writing(path: Path, scratch: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(scratch)}
    ended = subprocess.run([sys.executable, "-c", KILLED, str(path)], cwd=ROOT, env=environment, check=False)
    assert ended.returncode == -signal.SIGKILL


@pytest.mark.skipif(os.name == "nt", reason="kills as POSIX does")
def test_the_next_run_removes_what_a_killed_one_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch, results = tmp_path / "scratch", tmp_path / "results"
    scratch.mkdir()
    results.mkdir()
    kill_while_writing(results / "a.tif", scratch)
    [left], [folder] = results.iterdir(), scratch.iterdir()
    assert is_temporary(left) and (folder / "a.txt").is_file()
    sweep_once.cache_clear()  # as in a new process
    write_text(results / "b.csv", "x")
    assert [path.name for path in results.iterdir()] == ["b.csv"]
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    with scratch_folder("benchmark"):
        assert folder.is_dir()  # of another purpose
    with scratch_folder("rehearsal") as new:
        assert list(scratch.iterdir()) == [new]
    assert not list(scratch.iterdir())


def test_what_is_somebodys_stays(tmp_path: Path, gone: int) -> None:
    kept = [
        temporary_path(tmp_path / "mine.tif"),
        tmp_path / f".a.tif.{MACHINE}-{os.getppid()}.writing",
        tmp_path / f".a.tif.00000000-{gone}.writing",  # another machine's: its processes cannot be seen from here
        tmp_path / f"a.tif.{MACHINE}-{gone}.writing",  # not hidden, so not ours
        tmp_path / ".notes.writing",
    ]
    lost = [tmp_path / f".a.tif.{MACHINE}-{gone}.writing", tmp_path / f".b.tif.{gone}.writing"]
    for path in [*kept, *lost]:
        path.touch()
    (tmp_path / f".c.ome.zarr.{MACHINE}-{gone}.writing").mkdir()
    removed = sweep(tmp_path)
    assert sorted(removed) == sorted([*lost, tmp_path / f".c.ome.zarr.{MACHINE}-{gone}.writing"])
    assert sorted(tmp_path.iterdir()) == sorted(kept)
    assert sweep(tmp_path / "not there") == []


def test_an_earlier_process_of_the_same_number_has_left_its_own(tmp_path: Path) -> None:
    path = temporary_path(tmp_path / "a.tif")
    path.touch()
    os.utime(path, (time.time() - 3600,) * 2)
    assert sweep(tmp_path) == [path]

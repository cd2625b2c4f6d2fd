# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Locks: a second run is refused and told who holds the output; a killed one is not in the way; nothing is left."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bundle.files.manifest import StageManifest
from bundle.files.manifest_file import is_result, read_manifest
from bundle.files.output_folders import prepare_output_dir, require_empty_dir
from bundle.files.sole_run import lock_beside, lock_in, sole_run

HOLD = """
import sys, time
from pathlib import Path
from bundle.files.sole_run import lock_beside, sole_run
path = Path(sys.argv[1])
with sole_run(lock_beside(path), path):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def other(tmp_path):
    """Another process that holds `out`."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "out")], stdout=subprocess.PIPE, text=True, cwd=os.getcwd()
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_a_second_process_is_refused_until_the_first_is_killed(other, tmp_path):
    path = tmp_path / "out"
    with pytest.raises(
        BlockingIOError, match=f"another run writes there .process {other.pid} on .*name another output"
    ):
        with sole_run(lock_beside(path), path, seconds=0):
            pass
    other.kill()
    other.wait()
    with sole_run(lock_beside(path), path, seconds=0):
        pass
    assert not list(tmp_path.iterdir())


def test_locks_are_no_results(tmp_path):
    for lock in (lock_in(tmp_path), lock_beside(tmp_path / "x")):
        lock.touch()
        assert not is_result(lock)
    assert require_empty_dir(tmp_path) == tmp_path
    assert prepare_output_dir(tmp_path, "synthesis") == tmp_path


def test_an_output_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "out"
    with pytest.raises(OSError, match="out: cannot be made .*name an output"):
        with sole_run(lock_in(path), path):
            pass


def begun(folder, wrote="labels", **changes):
    """A stage that has begun and written something, and was then killed."""
    manifest = StageManifest(folder, **({"stage": "segment", "settings": {"mpp": 0.5, "formats": ["a"]}} | changes))
    manifest.begin()
    (folder / wrote).mkdir(exist_ok=True)
    manifest.let_go()  # as the system does
    return manifest


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"settings": {"mpp": 0.25, "formats": ["a"]}}, "setting mpp changed from 0.5 to 0.25"),
        ({"settings": {"mpp": None, "formats": ["a"]}}, "setting mpp changed from 0.5 to null"),
        ({"settings": {"mpp": 0.5, "formats": []}}, "setting formats changed"),
        ({"inputs": {"weights": "b"}}, "input weights changed"),
        ({"stage": "predictions"}, "holds the output of 'segment', not of 'predictions'"),
    ],
)
def test_a_cut_run_is_continued_only_with_what_it_was_begun_with(tmp_path, changes, message):
    begun(tmp_path, inputs={"weights": "a"})
    before = read_manifest(tmp_path)
    for _ in range(2):
        with pytest.raises((ValueError, FileExistsError), match=f"{message}.*nothing of it is touched: name another"):
            begun(tmp_path, **changes)
    assert read_manifest(tmp_path) == before
    begun(tmp_path, inputs={"weights": "a"})
    assert len(read_manifest(tmp_path)["sessions"]) == 2


def test_what_is_replaced_may_have_been_made_otherwise_but_not_by_halves(tmp_path):
    begun(tmp_path).finish()
    begun(tmp_path, settings={"mpp": 0.25}, replace=True)  # and cut
    for settings in ({"mpp": 0.25}, {"mpp": 0.5}):
        with pytest.raises(ValueError, match="a run that replaced what was there was cut"):
            begun(tmp_path, settings=settings)
    begun(tmp_path, settings={"mpp": 0.25}, replace=True).finish()
    begun(tmp_path, settings={"mpp": 0.25})


def test_a_stage_that_wrote_nothing_may_begin_otherwise(tmp_path):
    StageManifest(tmp_path, "segment", {"mpp": 0.5}).begin()
    StageManifest(tmp_path, "segment", {"mpp": 0.25}).begin()


def test_a_stage_lets_go_when_it_is_finished(tmp_path):
    manifest = StageManifest(tmp_path, "segment")
    manifest.begin()
    assert lock_in(tmp_path).is_file()
    manifest.finish()
    assert not lock_in(tmp_path).exists()
    with pytest.raises(KeyError), StageManifest(tmp_path, "segment").claimed():
        raise KeyError
    assert not lock_in(tmp_path).exists() and not read_manifest(tmp_path)["complete"]


STAGE = """
import sys, time
from bundle.files.manifest import StageManifest
manifest = StageManifest(sys.argv[1], "segmentation")
manifest.begin()
print("held", flush=True)
time.sleep(60)
"""


def test_two_processes_never_run_one_stage(tmp_path, monkeypatch):
    monkeypatch.setattr("bundle.files.sole_run.take.__defaults__", (0.2, False))
    first = subprocess.Popen([sys.executable, "-c", STAGE, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert first.stdout.readline() == "held\n"
        with pytest.raises(BlockingIOError, match=f"another run writes there .process {first.pid}"):
            StageManifest(tmp_path, "segmentation").begin()
    finally:
        first.kill()
        first.wait()
    StageManifest(tmp_path, "segmentation").begin()

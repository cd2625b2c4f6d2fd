# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Files are whole or not there, whenever the writing breaks off."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from bundle.files.atomic import is_full, write_json, write_text, write_whole
from bundle.files.leftovers import is_temporary, sweep_once

KILLED = """
import os, signal, sys
from pathlib import Path
from bundle.files.atomic import write_whole

def half(stream):
    stream.write(b"half of the n")
    stream.flush()
    os.kill(os.getpid(), signal.SIGKILL)

write_whole(Path(sys.argv[1]), half)
"""


def test_text_is_written_as_it_is(tmp_path: Path) -> None:
    write_text(tmp_path / "a.csv", "id,x\r\n1,µ\n")
    assert (tmp_path / "a.csv").read_bytes() == "id,x\r\n1,µ\n".encode()
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_a_file_is_replaced_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with open(path) as reader:  # one who has it open sees the old content, all of it
        write_text(path, "new, and longer")
        assert reader.read() == "old"
    assert path.read_text() == "new, and longer"


def test_a_file_does_not_appear_before_it_is_whole(tmp_path: Path) -> None:
    seen = []

    def write(stream):
        stream.write(b"all")
        seen.extend(tmp_path.iterdir())

    write_whole(tmp_path / "a.bin", write)
    assert len(seen) == 1 and is_temporary(seen[0]) and seen[0].name.startswith(".a.bin.")
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]


def test_a_failing_write_keeps_the_old_file_and_leaves_no_other(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write_text(path, "old")

    def fail(stream):
        stream.write(b"half of the n")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_whole(path, fail)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("library", ["plain", "torch", "tiff", "png"])
def test_a_full_disk_is_told_by_the_files_own_name_and_with_the_mend(tmp_path: Path, full_after, library: str) -> None:
    """Whatever the library makes of it: torch says "unexpected pos" alone."""
    path, pixels = tmp_path / "a.bin", np.random.default_rng(0).integers(0, 255, (400, 400, 3), np.uint8)
    write = {
        "plain": lambda stream: stream.write(bytes(200_000)),
        "torch": lambda stream: torch.save({"a": torch.rand(50_000)}, stream),
        "tiff": lambda stream: tifffile.imwrite(stream, pixels),
        "png": lambda stream: Image.fromarray(pixels).save(stream, format="PNG"),
    }[library]
    with full_after(100_000), pytest.raises(OSError) as raised:
        write_whole(path, write)
    assert is_full(raised.value) and raised.value.filename == str(path)
    assert "the same command goes on" in str(raised.value) and ".writing" not in str(raised.value)
    assert not list(tmp_path.iterdir())


def test_an_error_of_another_file_stays_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as raised:
        write_whole(tmp_path / "a.bin", lambda _: (tmp_path / "source.npz").read_bytes())
    assert raised.value.filename == str(tmp_path / "source.npz")
    with pytest.raises(FileNotFoundError) as raised:
        write_text(tmp_path / "none" / "a.csv", "x")
    assert raised.value.filename == str(tmp_path / "none" / "a.csv")


def test_a_killed_write_keeps_the_old_file_and_leaves_what_is_known_to_be_temporary(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write_text(path, "old")
    root = Path(__file__).resolve().parents[3]
    ended = subprocess.run([sys.executable, "-c", KILLED, str(path)], cwd=root, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert path.read_text() == "old"
    [left] = [other for other in tmp_path.iterdir() if other != path]
    assert is_temporary(left) and left.read_bytes() == b"half of the n"
    sweep_once.cache_clear()  # as in a new process
    write_text(path, "new")
    assert path.read_text() == "new" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["a.csv", "notes.writing", ".a.csv", ".gitignore"])
def test_a_users_file_is_not_temporary(name: str) -> None:
    assert not is_temporary(Path(name))


def test_json_comes_back_and_nan_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    write_json(path, {"a": [1, None]})
    with pytest.raises(ValueError):
        write_json(path, {"a": math.nan})
    assert json.loads(path.read_text()) == {"a": [1, None]}
    write_json(path, {"ä": "\udcff"})  # a file name that is no UTF-8
    assert json.loads(path.read_text()) == {"ä": "\udcff"}
    assert path.read_bytes().isascii()


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_results_have_the_permissions_that_the_user_wants(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "a.txt", "shared with the group")
    finally:
        os.umask(before)
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o640

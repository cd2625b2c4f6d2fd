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

import pytest

from bundle.files.atomic import is_temporary, write_json, write_text, write_whole

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


def test_a_killed_write_keeps_the_old_file_and_leaves_what_is_known_to_be_temporary(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write_text(path, "old")
    root = Path(__file__).resolve().parents[3]
    ended = subprocess.run([sys.executable, "-c", KILLED, str(path)], cwd=root, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert path.read_text() == "old"
    [left] = [other for other in tmp_path.iterdir() if other != path]
    assert is_temporary(left) and left.read_bytes() == b"half of the n"
    write_text(path, "new")
    assert path.read_text() == "new"


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

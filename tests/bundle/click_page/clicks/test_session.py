# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""A folder with all its clicks: what is listed, what tabs are told, and that a killed program loses nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bundle.click_page.clicks.click_folder import ClickFolder
from bundle.click_page.clicks.session import ClickSession
from bundle.files.points_csv import parse_points

ROOT = Path(__file__).resolve().parents[4]
SIZE = (30, 40)


def picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((*SIZE, 3), np.uint8)).save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.png", "b.tif", "c.jpg"):
        picture(tmp_path / "images" / name)
    return tmp_path


def session(folder: Path) -> ClickSession:
    return ClickSession(ClickFolder(folder), lambda path: SIZE)


def test_images_are_listed_with_what_is_clicked(folder: Path) -> None:
    (folder / "points").mkdir()
    (folder / "points" / "a.csv").write_text("x,y\n1,1\n2,2\n")
    (folder / "points" / "b.csv").write_text("x,y\n")
    (folder / "images" / "notes.txt").write_text("no image")
    one = session(folder)
    states = {state.name: state for state in one.states()}
    assert [states[name].points for name in "abc"] == [2, 0, 0]
    assert [states[name].empty for name in "abc"] == [False, True, False]
    assert [states[name].is_clicked for name in "abc"] == [True, True, False]
    one.clicks("c").add_region((1, 1), (9, 9))
    (folder / "points" / "a.csv").write_text("x,y\n1,1\n")
    states = {state.name: state for state in one.states()}
    assert states["a"].points == 1 and states["c"].regions == 1


def test_a_spoilt_file_is_named_and_the_others_work(folder: Path) -> None:
    (folder / "regions").mkdir()
    (folder / "regions" / "a.geojson").write_text("{")
    states = {state.name: state for state in session(folder).states()}
    assert "a.geojson" in states["a"].problem and not states["b"].problem


def test_a_folder_that_holds_images_directly(tmp_path: Path) -> None:
    picture(tmp_path / "x.png")
    one = session(tmp_path)
    assert one.names() == ["x"]
    one.clicks("x").edit(add=[(1, 1)])
    assert (tmp_path / "points" / "x.csv").is_file()


@pytest.mark.parametrize("name", ["../a", "images/a", "", "/etc/passwd", "a.png", "..", "nothing"])
def test_no_name_leads_out_of_the_folder(folder: Path, name: str) -> None:
    with pytest.raises(ValueError, match="there is no image"):
        session(folder).clicks(name)


def test_folders_of_no_use_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such folder"):
        ClickFolder(tmp_path / "none")
    with pytest.raises(ValueError, match="holds no image"):
        ClickFolder(tmp_path)


def test_a_second_page_on_the_folder_is_refused(folder: Path) -> None:
    with ClickFolder(folder).hold():
        with pytest.raises(BlockingIOError, match="another page works"), ClickFolder(folder).hold():
            pass
    with ClickFolder(folder).hold():
        pass


def test_a_folder_without_write_permission_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refused)
    with pytest.raises(PermissionError, match="clicks are kept in it"), ClickFolder(folder).hold():
        pass


def test_followers_are_told_of_other_programs_until_they_leave(folder: Path) -> None:
    one, told = session(folder), []
    one.clicks("a").edit(add=[(1, 1)])
    leave = one.follow(told.append)
    (folder / "points" / "a.csv").write_text("x,y\n3,3\n")
    assert one.refresh() == ["a"] == told
    leave()
    leave()
    (folder / "points" / "a.csv").write_text("x,y\n4,4\n")
    assert one.refresh() == ["a"] == told


CLICKING = """
import sys
from pathlib import Path
from bundle.click_page.clicks.click_folder import ClickFolder
from bundle.click_page.clicks.session import ClickSession

clicks = ClickSession(ClickFolder(Path(sys.argv[1])), lambda path: (30, 40)).clicks("a")
for number in range(100000):
    place = (number % 40, number // 40 % 30 + number / 100000)
    clicks.edit(add=[place])
    if number % 3 == 2:
        clicks.undo()
    print(number, len(clicks.marks.points), flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is of POSIX")
@pytest.mark.parametrize("round", range(3))
def test_kill_9_while_clicking_loses_no_click_that_was_shown(folder: Path, round: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(CLICKING), str(folder)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for _ in range(20 + 7 * round):
        line = process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    rest = [each for each in process.stdout.read().splitlines() if len(each.split()) == 2]
    process.wait()
    shown = int((rest[-1] if rest else line).split()[1])
    found = len(parse_points(folder / "points" / "a.csv", SIZE))
    assert found in (shown, shown + 1)  # the next one may have been saved, and not been said yet
    again = session(folder).clicks("a")
    again.edit(add=[(39, 29)])
    assert len(parse_points(folder / "points" / "a.csv", SIZE)) == found + 1

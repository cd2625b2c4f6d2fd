# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Command lines: text stays text, misspelt options run nothing, bad input is one line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from scripts.command_line import run_command


class Recorder:
    """Commands that keep what they were called with."""

    def __init__(self) -> None:
        self.calls: list[tuple] = []

    @property
    def commands(self):
        def save(path: str, name: str | None = None, number: float = 1.0) -> None:
            """Save something.

            Args:
                path: where to.
                name: under which name.
                number: how often.
            """
            self.calls.append((path, name, number))

        def fail(reason: str) -> None:
            """Fail."""
            raise ValueError(f"{reason}: mend it")

        return {"save": save, "fail": fail}


@pytest.mark.parametrize("text", ["a#b", "$a", "@a", "100%", "a b", "2018", "1e5", "[1", "True", "None", "~/a", "'a'"])
def test_text_stays_as_typed(text):
    recorder = Recorder()
    run_command(recorder.commands, ["save", text, "--name", text])
    run_command(recorder.commands, ["save", f"--path={text}", f"--name={text}", "--number", "0.25"])
    assert recorder.calls == [(text, text, 1.0), (text, text, 0.25)]


@pytest.mark.parametrize(
    "arguments", [["save", "a", "--nmae", "b"], ["save", "a", "b", "1", "more"], ["save"], ["sav", "a"]]
)
def test_a_command_that_is_not_understood_does_not_run(arguments, capsys):
    recorder = Recorder()
    with pytest.raises(SystemExit) as caught:
        run_command(recorder.commands, arguments)
    assert caught.value.code == 2 and not recorder.calls


def test_bad_input_is_one_line():
    with pytest.raises(SystemExit) as caught:
        run_command(Recorder().commands, ["fail", "a.png"])
    assert caught.value.code == "error: a.png: mend it"


def test_help_explains_and_runs_nothing(capsys):
    recorder = Recorder()
    with pytest.raises(SystemExit) as caught:
        run_command(recorder.commands, ["save", "--help"])
    shown = "".join(capsys.readouterr())
    assert caught.value.code == 0 and not recorder.calls
    for part in ("Save something.", "where to.", "under which name."):
        assert part in shown


def test_a_script_that_runs_as_a_file_hides_no_package_of_its_neighbours_names():
    """Dask imports the package click, and there is a scripts/click.py."""
    program = (
        "import runpy, sys; sys.path.insert(0, sys.argv[1]); path = sys.argv[1] + '/report.py'; sys.argv = [path]\n"
        "try: runpy.run_path(path, run_name='__main__')\n"
        "except SystemExit: pass\n"
        "import click; print(click.__file__)"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", program, str(root / "scripts")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert str(root / "scripts") not in done.stdout.splitlines()[-1]

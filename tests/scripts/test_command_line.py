# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Command lines: text stays text, misspelt options run nothing, bad input is one line."""

from __future__ import annotations

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


def test_ctrl_c_is_one_line(caplog):
    def stop() -> None:
        """Stop."""
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as raised:
        run_command({"stop": stop}, ["stop"])
    assert raised.value.code == 130
    assert caplog.messages == ["stopped; nothing is left half written, and the same command goes on"]

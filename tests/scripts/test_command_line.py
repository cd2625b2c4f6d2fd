# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Command lines: options are what their annotations say, misspelt ones run nothing, bad input is one line."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch

from scripts.command_line import run_command
from scripts.typed_options import Options, call


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


def test_help_shows_the_whole_text_of_an_option_and_no_groups_that_are_none(capsys):
    def work(mpp: str = "") -> None:
        """Work.

        Args:
            mpp: um per px of the images. Of several
                data sets one for each: "0.25,0.5", or
                one for all: "0.5".
        """

    with pytest.raises(SystemExit):
        run_command({"work": work}, ["work", "--help"])
    shown = "".join(capsys.readouterr())
    assert 'um per px of the images. Of several data sets one for each: "0.25,0.5", or one for all: "0.5".' in shown
    assert "GROUP" not in shown and "FIRE_METADATA" not in shown


def test_ctrl_c_is_one_line(caplog):
    def stop() -> None:
        """Stop."""
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as raised:
        run_command({"stop": stop}, ["stop"])
    assert raised.value.code == 130
    assert caplog.messages == ["stopped; nothing is left half written, and the same command goes on"]


@dataclass(frozen=True)
class Options3:
    """Options.

    Attributes:
        output: where to.
        image_mpp: um per px.
        overwrite: whether to replace.
        count: how many.
    """

    output: str
    image_mpp: float | None = None
    overwrite: bool = False
    count: int = 1

    def __post_init__(self):
        if self.count < 1:
            raise ValueError(f"count is {self.count}: give 1 or more")


def typed(arguments, error=None):
    """What a command with a dataclass of options gets for some words; None where it does not run."""
    got = []

    def work(path: str, options: Options3, swap: bool = False) -> None:
        """Work.

        Args:
            path: of the image.
            options: more.
            swap: exchange x and y.

        Raises:
            ValueError: never.
        """
        if error:
            raise error
        got.append((path, options, swap))

    run_command({"work": work}, ["work", *arguments])
    return got[0] if got else None


@pytest.mark.parametrize("word", ["true", "True", "yes", "YES", "1"])
def test_flags_take_words_for_true(word):
    assert typed(["a", "b", "--overwrite", word])[1].overwrite is True
    assert typed(["a", "b", f"--swap={word}"])[2] is True


@pytest.mark.parametrize("word", ["false", "False", "no", "0"])
def test_flags_take_words_for_false(word):
    assert typed(["a", "b", "--overwrite", word])[1].overwrite is False
    assert typed(["a", "b", f"--swap={word}"])[2] is False


def test_bare_flags_are_true_and_may_be_denied():
    assert typed(["a", "b", "--overwrite"])[1].overwrite is True
    assert typed(["a", "--overwrite", "--output", "b"])[1] == Options3("b", overwrite=True)
    assert typed(["a", "b", "--nooverwrite"])[1].overwrite is False


@pytest.mark.parametrize("word", ["maybe", "2", "", "on", "None", "a.png", "0.0"])
def test_flags_take_no_other_word(word):
    for option in (["--overwrite", word], [f"--overwrite={word}"], [f"--swap={word}"]):
        with pytest.raises(SystemExit) as caught:
            typed(["a", "b", *option])
        assert f"is {word!r}: give true or false" in caught.value.code


@pytest.mark.parametrize(
    "word", ["True", "no", "0,25", "nan", "inf", "-inf", "1e999", "", "0.25um", "[1]", "1_0", "0x1"]
)
def test_numbers_are_numbers(word):
    with pytest.raises(SystemExit) as caught:
        typed(["a", "b", "--image_mpp", word])
    assert f"error: image_mpp is {word!r}: give a number" in caught.value.code


@pytest.mark.parametrize("word", ["1.5", "True", "1e3", "", "nan", "9" * 30, "four"])
def test_whole_numbers_are_whole(word):
    with pytest.raises(SystemExit) as caught:
        typed(["a", "b", "--count", word])
    assert "give a whole number" in caught.value.code


def test_numbers_that_are_taken():
    for word, value in (("0.25", 0.25), ("1", 1.0), ("-2.5", -2.5), ("1e-3", 1e-3), ("None", None), ("none", None)):
        found = typed(["a", "b", "--mpp", word])[1].image_mpp
        assert found == value and not isinstance(found, bool)
    assert typed(["a", "b", "0.5", "yes", "3"])[1] == Options3("b", 0.5, True, 3)  # by their places


def test_mpp_is_another_name_of_image_mpp():
    assert (
        typed(["a", "b", "--mpp=0.25"])
        == typed(["a", "b", "--image_mpp", "0.25"])
        == typed(["a", "b", "--image-mpp=0.25"])
    )
    assert typed(["a", "b", "--mpp", "0.25", "--image_mpp", "0.5"])[1].image_mpp == 0.5  # the last one holds


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--overwite"], "there is no option --overwite: did you mean --overwrite?"),
        (["--over-write"], "did you mean --overwrite?"),
        (["--mp", "1"], "did you mean --mpp?"),
        (["--nooutput"], "there is no option --nooutput"),
        (["--colour", "red"], "there are --path, --output"),
        (["--count"], "--count has no value"),
        (["--path="], "--path is empty: it has to be given"),
        (["--image_mpp", "--overwrite"], "--image_mpp has no value"),
        (["--nooverwrite=yes"], "takes no value"),
    ],
)
def test_options_that_are_none_are_named_and_nothing_runs(arguments, message, capsys):
    with pytest.raises(SystemExit) as caught:
        typed(["a", "b", *arguments])
    assert caught.value.code == 2 and message in capsys.readouterr().err


def test_an_option_out_of_its_range_is_one_line():
    with pytest.raises(SystemExit, match="error: count is 0: give 1 or more"):
        typed(["a", "b", "--count", "0"])


def test_help_shows_the_options_of_a_dataclass(capsys):
    with pytest.raises(SystemExit):
        typed(["--help"])
    shown = "".join(capsys.readouterr())
    for part in ("of the image.", "where to.", "whether to replace.", "how many.", "exchange x and y.", "--image_mpp"):
        assert part in shown
    assert "--options" not in shown and "more." not in shown


def test_commands_are_called_from_python_with_the_same_names():
    got = []

    def work(path: str, options: Options3) -> None:
        """Work."""
        got.append((path, options))

    call(work, "a", "b", count=2)
    assert got == [("a", Options3("b", count=2))]


def test_every_option_has_a_type_that_is_read():
    def work(path: list[str]) -> None:
        """Work."""

    with pytest.raises(TypeError, match="path is list"):
        Options(work)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (RecursionError("maximum recursion depth exceeded"), "nested too deeply"),
        (MemoryError(), "not enough memory"),
        (torch.OutOfMemoryError("CUDA out of memory"), "not enough memory"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"), "not enough memory"),
        (OverflowError("int too large"), "OverflowError: int too large"),
        (KeyError("name"), "KeyError: 'name'"),
        (RuntimeError("two\nlines"), "RuntimeError: two lines"),
        (FileNotFoundError("a.png: no such file"), "a.png: no such file"),
    ],
)
def test_no_error_ends_in_a_traceback(error, message):
    with pytest.raises(SystemExit) as caught:
        typed(["a", "b"], error)
    assert (
        str(caught.value.code).startswith("error: ") and message in caught.value.code and "\n" not in caught.value.code
    )

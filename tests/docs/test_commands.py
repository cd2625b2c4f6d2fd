# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Every command in the pages is one that there is: its module, its name, each of its options."""

from __future__ import annotations

import functools
import itertools
import re
import runpy
import sys
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from monai.bundle import ConfigParser
from PIL import Image

from scripts.console import COMMANDS

from .pages import PAGES, ROOT, blocks, commands, name

ALL = [(name(page), words) for page in PAGES for words in commands(page.read_text(encoding="utf-8"))]
BUNDLE_OPTIONS = {"config_file", "meta_file", "logging_file", "bundle_root"}  # of `monai.bundle run` itself


def module_of(words: list[str]) -> tuple[str, list[str]]:
    """The module that a command runs ("" where it runs none of ours), and the words after it."""
    if words[0].endswith("points-to-nuclei"):
        return f"scripts.{words[1]}" if words[1] in COMMANDS else f"no command {words[1]}", words[2:]
    if "-m" in words and (place := words.index("-m")) + 1 < len(words):
        return words[place + 1], words[place + 2 :]
    return "", []


OURS = [(page, *found) for page, words in ALL if (found := module_of(words))[0].startswith(("scripts", "no command"))]
BUNDLE = [(page, rest) for page, words in ALL for module, rest in [module_of(words)] if module == "monai.bundle"]


def options(words: list[str]) -> list[str]:
    """Names of the options among the words."""
    return [word[2:].split("=")[0] for word in words if word.startswith("--")]


@functools.cache
def help_of(module: str, command: str, capture: object) -> str:
    """What `python -m MODULE COMMAND --help` prints."""
    with mock.patch.object(sys, "argv", [module, command, "--help"]), pytest.raises(SystemExit) as ended:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    assert ended.value.code == 0, f"{module} {command}"
    return "".join(capture.readouterr())  # type: ignore[attr-defined]


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
@pytest.mark.parametrize("module", sorted({module for _, module, _ in OURS}))
def test_commands_and_options_exist(module: str, capsys: pytest.CaptureFixture[str]) -> None:
    missing = []
    for page, of, rest in OURS:
        if of != module or not rest or rest[0].startswith("-"):
            continue
        shown = help_of(module, rest[0], capsys)
        missing += [
            f"{page}: {module} {rest[0]} --{option}"
            for option in options(rest)
            if f"--{option}" not in shown and option.upper() not in shown and option != "help"
        ]
    assert missing == []


@pytest.mark.parametrize("page, words", BUNDLE, ids=[f"{page}-{i}" for i, (page, _) in enumerate(BUNDLE)])
def test_overrides_are_ids_of_the_configurations(page: str, words: list[str]) -> None:
    if words[0] != "run":
        pytest.skip("not a workflow of ours")
    stated = dict(itertools.pairwise(words))["--config_file"]
    files = [ROOT / path.removeprefix("FOLDER/") for path in re.findall(r"[\w./]+\.(?:json|yaml)", stated)]
    config = ConfigParser.load_config_files([str(path) for path in files])
    ids = {option.split("::")[0].split("#")[0] for option in options(words)} - BUNDLE_OPTIONS
    assert sorted(ids - set(config)) == []


def test_targets_of_make_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    asked = {word for _, words in ALL if words[0] == "make" for word in words[1:2] if word.isalpha()}
    assert asked and asked <= targets


def test_there_are_commands_to_look_at() -> None:
    assert len(OURS) > 30 and len(BUNDLE) > 5


def test_the_python_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    [code] = blocks((ROOT / "README.md").read_text(encoding="utf-8"), "python")
    (tmp_path / "models").symlink_to(ROOT / "models")
    Image.fromarray(np.full((64, 64, 3), 240, np.uint8)).save(tmp_path / "my_tissue.png")
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})
    assert "(64, 64)" in capsys.readouterr().out

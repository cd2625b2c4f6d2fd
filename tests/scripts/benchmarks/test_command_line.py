# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The command line of the benchmarks."""

from __future__ import annotations

import inspect

import pytest

from scripts.benchmarks import __main__ as benchmark


@pytest.mark.parametrize("name", benchmark.COMMANDS)
def test_every_command_is_shown_and_runs_without_arguments_or_says_which_it_needs(name):
    assert f"python -m scripts.benchmarks {name}" in str(benchmark.__doc__)
    needed = [
        each.name
        for each in inspect.signature(benchmark.COMMANDS[name]).parameters.values()
        if each.default is each.empty
    ]
    assert all(f"--{argument}" in str(benchmark.__doc__) for argument in needed)

# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The running configuration seen from inside: which ids are known, and components as they were written."""

from __future__ import annotations

import pytest
from monai.bundle import ConfigParser

from bundle.files.running_config import described, is_known, require_known_ids, running_parser

STEP = {"imports": ["$from bundle.files.running_config import require_known_ids"], "run": "$require_known_ids()"}


def test_without_a_configuration_there_is_no_parser():
    with pytest.raises(RuntimeError, match="no configuration is being run"):
        running_parser()
    with pytest.raises(RuntimeError, match="no configuration is being run"):
        require_known_ids()


def test_an_expression_finds_the_parser_that_evaluates_it_also_inside_of_another():
    inner = ConfigParser(
        {"imports": ["$from bundle.files.running_config import running_parser"], "me": "$running_parser()"}
    )
    outer = ConfigParser({"inner": inner, "mine": "$@inner.get_parsed_content('me')"})
    assert outer.get_parsed_content("mine") is inner


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("segmentation_epoch", "did you mean --segmentation_epochs?"),
        ("optimiser", "did you mean --optimizer?"),
        ("train::foldr", "did you mean --train::folder?"),
        ("zzzzqqqq", "its files in configs/ list what there is"),
    ],
)
def test_a_misspelt_id_ends_the_process_with_its_name(name, hint):
    parser = ConfigParser({**STEP, "train": {"folder": {"_target_": "dict"}}})
    parser.update({name: 3})
    with pytest.raises(SystemExit) as error:
        parser.get_parsed_content("run")
    assert name.split("::")[0] in str(error.value) and hint in str(error.value)


@pytest.mark.parametrize(
    "extra",
    [
        {"segmentation_epochs": 3},
        {"train": {"trainer": {"_target_": "dict", "anything": 1}}},
        {"own": 3, "segmentation_epochs": "$2 * @own"},
        {"own": {"deep": {"deeper": 3}}, "logged_settings": "@own::deep"},
        {"_meta_": {"version": "1"}, "_desc_": "words"},
        {"tracking_uri": "somewhere"},  # of MONAI's --tracking
    ],
)
def test_known_ids_and_those_that_something_refers_to_pass(extra):
    ConfigParser({**STEP, **extra}).get_parsed_content("run")


def test_a_longer_id_that_begins_alike_is_no_reference():
    assert not is_known("epoch", {"epoch": 1, "x": "@epochs"})
    assert is_known("epoch", {"epoch": 1, "x": "$@epoch + 1"})


UNET = {"_target_": "monai.networks.nets.UNet"}
NETWORK = {**UNET, "_desc_": "words", "in_channels": "@channels", "channels": "$(8, 16)"}


def test_a_component_is_described_with_the_values_of_its_arguments():
    parser = ConfigParser({"channels": 1, "network_def": NETWORK, "other": "@network_def"})
    wanted = {**UNET, "in_channels": 1, "channels": [8, 16]}
    assert described(parser, "network_def") == described(parser, "other") == wanted


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ({**NETWORK, "act": "$print"}, "network_def::act is <built-in function print>, which model.json cannot hold"),
        ("$object()", "network_def is .*: give its class as _target_"),
        ({"in_channels": 3}, "give its class as _target_"),
    ],
)
def test_what_no_file_can_hold_is_named(network, message):
    with pytest.raises(ValueError, match=message):
        described(ConfigParser({"channels": 1, "network_def": network}), "network_def")

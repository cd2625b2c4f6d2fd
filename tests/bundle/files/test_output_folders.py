# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Paths: names that the bundle's parser would change, and output folders that hold something else."""

from __future__ import annotations

import json

import pytest
from monai.bundle import ConfigParser

from bundle.files.output_folders import check_bundle_path, prepare_output_dir, require_empty_dir


@pytest.mark.parametrize("character", ["#", "$", "@", "%", " ", "\t"])
def test_a_name_that_the_parser_changes_is_refused_by_name(character):
    with pytest.raises(ValueError, match=r"my.*data.* holds .*rename the folder, or use `python -m scripts\.pipeline"):
        check_bundle_path(f"/home/me/my{character}data")


def test_a_name_that_the_parser_has_changed_already_is_refused():
    parser = ConfigParser({"dataset_dir": "/home/me/my#data"})
    changed = parser.get_parsed_content("dataset_dir")
    assert changed != "/home/me/my#data"  # what makes the check necessary
    with pytest.raises(ValueError, match="which is also what the configuration parser makes of '#'"):
        check_bundle_path(changed)


def test_plain_names_pass(tmp_path):
    assert check_bundle_path("/home/me/my_data-1.0,(b)") == "/home/me/my_data-1.0,(b)"


def test_a_new_or_empty_output_folder_is_claimed(tmp_path):
    assert prepare_output_dir(tmp_path / "deep" / "new", "synthesis").is_dir()
    assert prepare_output_dir(tmp_path / "deep" / "new", "synthesis").is_dir()


def test_an_output_folder_of_the_same_stage_is_claimed_again(tmp_path):
    (tmp_path / "manifest.json").write_text(json.dumps({"stage": "synthesis"}))
    (tmp_path / "checkpoint.pt").write_bytes(b"kept")
    prepare_output_dir(tmp_path, "synthesis")
    assert (tmp_path / "checkpoint.pt").read_bytes() == b"kept"
    with pytest.raises(FileExistsError, match="holds the output of 'synthesis', not of 'segmentation'"):
        prepare_output_dir(tmp_path, "segmentation")


def test_what_a_killed_run_or_the_system_left_does_not_make_a_folder_foreign(tmp_path):
    for name in (".manifest.json.77.writing", ".DS_Store"):
        (tmp_path / name).touch()
    assert prepare_output_dir(tmp_path, "synthesis") == tmp_path


@pytest.mark.parametrize("claim", [lambda folder: prepare_output_dir(folder, "synthesis"), require_empty_dir])
def test_other_contents_are_refused_and_stay(tmp_path, claim):
    (tmp_path / "thesis.docx").write_bytes(b"precious")
    with pytest.raises(FileExistsError, match="nothing of it is touched"):
        claim(tmp_path)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"precious"]
    with pytest.raises(FileExistsError, match=r"thesis\.docx"):
        claim(tmp_path / "thesis.docx")


def test_a_folder_to_be_made_is_not_made_yet(tmp_path):
    assert not require_empty_dir(tmp_path / "new").exists()
    assert require_empty_dir(tmp_path) == tmp_path

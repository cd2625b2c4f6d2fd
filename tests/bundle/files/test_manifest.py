# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Manifests: whole or absent, and the four states of a stage folder."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

import pytest

from bundle.files.manifest import StageManifest, differences, stage_state
from bundle.files.manifest_file import MANIFEST, read_manifest, written_files
from bundle.files.provenance import versions

SETTINGS = {"updates": 10, "sizes": (1, 2), "rate": 1e-4, "limit": math.inf}
INPUTS = {"images/a.png": "00ff"}


def finished(folder: Path) -> StageManifest:
    manifest = StageManifest(folder, "synthesis", SETTINGS, INPUTS, {"device": "cpu"})
    manifest.begin()
    manifest.note(k=0.5, window=(0, 255))
    (folder / "model.pt").write_bytes(b"weights")
    (folder / "samples").mkdir()
    (folder / "samples" / "1.png").write_bytes(b"12345")
    manifest.finish()
    return manifest


def state(folder: Path, **changes: object) -> str:
    return stage_state(folder, {**SETTINGS, **changes}, INPUTS)


def test_states_of_a_folder_through_a_stage(tmp_path: Path) -> None:
    folder = tmp_path / "synthesis"
    assert state(folder) == "absent"
    folder.mkdir()
    assert state(folder) == "absent"
    StageManifest(folder, "synthesis", SETTINGS, INPUTS).begin()
    assert state(folder) == "absent"  # nothing to go on with yet
    (folder / "checkpoint.pt").touch()
    assert state(folder) == "partial"
    finished(folder)
    assert state(folder) == "done"
    assert state(folder, updates=11) == "stale"
    assert stage_state(folder, SETTINGS, {"images/a.png": "00fe"}) == "stale"


def test_a_cut_stage_with_other_settings_is_stale_too(tmp_path: Path) -> None:
    StageManifest(tmp_path, "synthesis", SETTINGS, INPUTS).begin()
    assert state(tmp_path, updates=11) == "absent"
    (tmp_path / "checkpoint.pt").touch()
    assert state(tmp_path, updates=11) == "stale"


def test_differences_name_what_changed(tmp_path: Path) -> None:
    finished(tmp_path)
    new = {**SETTINGS, "updates": 11, "extra": 1}
    del new["rate"]
    lines = differences(tmp_path, new, {"images/b.png": "00ff"})
    assert lines == [
        "setting extra is new",
        "setting rate is gone",
        "setting updates changed from 10 to 11",
        "input images/a.png is gone",
        "input images/b.png is new",
    ]


def test_what_is_left_to_the_machine_fits_what_another_machine_chose(tmp_path: Path) -> None:
    StageManifest(tmp_path, "synthesis", {**SETTINGS, "precision": "bfloat16"}, INPUTS).begin()
    assert differences(tmp_path, {**SETTINGS, "precision": "auto"}, INPUTS) == []
    changed = ['setting precision changed from "bfloat16" to "float32"']
    assert differences(tmp_path, {**SETTINGS, "precision": "float32"}, INPUTS) == changed


def test_lost_or_cut_results_are_noticed(tmp_path: Path) -> None:
    finished(tmp_path)
    (tmp_path / "model.pt").write_bytes(b"weigh")
    (tmp_path / "samples" / "1.png").unlink()
    assert differences(tmp_path, SETTINGS, INPUTS) == [
        f"{tmp_path / 'model.pt'} has 5 bytes instead of 7",
        f"{tmp_path / 'samples' / '1.png'} is gone",
    ]
    (tmp_path / "samples" / "1.png").write_bytes(b"1234_")
    (tmp_path / "model.pt").write_bytes(b"weighty")
    assert differences(tmp_path, SETTINGS, INPUTS) == [
        f"{tmp_path / 'model.pt'} has other bytes than were written",
        f"{tmp_path / 'samples' / '1.png'} has other bytes than were written",
    ]
    (tmp_path / "model.pt").unlink()
    assert f"{tmp_path / 'model.pt'} is gone" in differences(tmp_path, SETTINGS, INPUTS)


def test_a_finished_stage_is_not_begun_again_over_changed_results(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    finished(tmp_path)
    again = StageManifest(tmp_path, "synthesis", SETTINGS, INPUTS)
    (tmp_path / "model.pt").write_bytes(b"weighty")
    with pytest.raises(ValueError, match="model.pt has other bytes than were written: copy it again, remove it to"):
        again.begin()
    (tmp_path / "model.pt").unlink()
    again.begin()  # most stages make anew what is gone
    assert f"{tmp_path / 'model.pt'} is gone" in caplog.text
    again.let_go()
    replacing = StageManifest(tmp_path, "synthesis", SETTINGS, INPUTS, replace=True)
    (tmp_path / "samples" / "1.png").write_bytes(b"1234_")
    replacing.begin()


def test_foreign_contents_are_refused(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").touch()
    with pytest.raises(FileExistsError, match="holds 'holiday.jpg' but no manifest.json"):
        state(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", ""])
def test_a_spoilt_manifest_is_an_error_that_names_it(tmp_path: Path, text: str) -> None:
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(ValueError, match=f"{MANIFEST}.*move the folder"):
        state(tmp_path)


def test_a_manifest_holds_what_was_written_and_how(tmp_path: Path) -> None:
    finished(tmp_path)
    manifest = read_manifest(tmp_path)
    assert manifest is not None
    assert (manifest["stage"], manifest["complete"]) == ("synthesis", True)
    assert manifest["settings"] == {"updates": 10, "sizes": [1, 2], "rate": 1e-4, "limit": "Infinity"}
    assert manifest["notes"] == {"k": 0.5, "window": [0, 255]}
    assert manifest["inputs"] == INPUTS and manifest["record"] == {"device": "cpu"}
    weights = {"sha256": hashlib.sha256(b"weights").hexdigest(), "bytes": 7}
    digest = hashlib.sha256(b"12345").hexdigest()
    assert manifest["written"] == {
        "model.pt": weights,
        "samples": {"files": 1, "bytes": 5, "sha256": {"1.png": digest}},
    }
    assert manifest["versions"] == versions() and {"python", "torch", "monai", "numpy"} <= set(versions())
    [session] = manifest["sessions"]
    assert session["seconds"] >= 0 and session["started"] <= session["finished"]


def test_files_that_are_being_written_do_not_count(tmp_path: Path) -> None:
    for name in (".manifest.json.77.writing", ".checkpoint_00000007.pt.78.writing", ".DS_Store"):
        (tmp_path / name).touch()
    assert written_files(tmp_path) == {}
    assert state(tmp_path) == "absent"


def test_sessions_add_up_and_each_object_begins_and_ends_once(tmp_path: Path) -> None:
    StageManifest(tmp_path, "synthesis", SETTINGS, INPUTS).begin()  # this session is killed
    manifest = finished(tmp_path)
    before = (tmp_path / MANIFEST).read_bytes()
    manifest.begin()
    manifest.finish()
    assert (tmp_path / MANIFEST).read_bytes() == before
    sessions = (read_manifest(tmp_path) or {})["sessions"]
    assert [session["finished"] is None for session in sessions] == [True, False]


def test_a_stage_that_was_not_begun_cannot_finish(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="was not begun"):
        StageManifest(tmp_path, "synthesis").finish()

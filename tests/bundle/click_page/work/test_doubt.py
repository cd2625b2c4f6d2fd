# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Which image to look at next, worked by hand, and the ranking of a folder with a real model."""

from __future__ import annotations

from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage import data, filters

from bundle.annotations.clicks import Outline
from bundle.annotations.regions import REGION, image_area
from bundle.click_page.clicks.click_folder import ClickFolder
from bundle.click_page.clicks.session import ClickSession
from bundle.click_page.work.doubt import Candidate, Doubts, Looked, doubt, settled
from bundle.click_page.work.findings import Found
from bundle.click_page.work.models import Models
from bundle.click_page.work.ranking import Ranking
from bundle.files.bundle_root import MODEL
from bundle.label_server.query import Query
from bundle.label_server.runs import TrainingRuns
from tests.bundle.click_page.work.test_agreement import clicks, found


def test_without_clicks_doubt_is_what_the_model_says_of_itself() -> None:
    assert doubt(found()) == pytest.approx((0.1 + 0.4 + 0.1) / 3)


NOTHING = Found.of([], None, None)


def test_an_image_in_which_nothing_is_found_is_in_doubt_as_far_as_others_are_full() -> None:
    assert doubt(NOTHING) is None and doubt(NOTHING, Looked({}, (), empty=True)) == 0
    assert doubt(NOTHING, Looked({}, (Outline(image_area((20, 20)), REGION),))) == 0  # somebody looked
    assert doubt(NOTHING, Looked(clicks((9, 9)))) == 1
    full = {"a": 0.2, "b": 0.1, "c": 0.3}
    assert settled({**full, "faint": None}) == {**full, "faint": 0.75}
    assert settled({"a": 0.2, "glass": None, "more glass": None, "e": None})["glass"] == 0.25
    assert settled({"a": None, "b": None}) == {"a": 1, "b": 1}  # the model sees nothing at all
    assert settled({"a": 0.2}) == {"a": 0.2} and settled({}) == {}


def test_every_disagreement_counts_one() -> None:
    agreeing = Looked(clicks((9, 9), (30, 10), (50, 10)))
    assert doubt(found(), agreeing) == pytest.approx((0.1 + 0.4 + 0.1) / 3)
    missed = Looked(clicks((30, 10), (50, 10)))  # the first object has no click
    assert doubt(found(), missed) == pytest.approx((1 + 0.4 + 0.1) / 3)
    twice = Looked(clicks((9, 9), (11, 12), (30, 10), (50, 10), (40, 2)))  # and a click beside all objects
    assert doubt(found(), twice) == pytest.approx((1 + 0.4 + 0.1 + 1) / 4)


def test_objects_without_a_click_are_no_mistake_where_nobody_looked() -> None:
    region = Outline(image_area((20, 20)), REGION)  # the first object alone
    assert doubt(found(), Looked({}, (region,))) == pytest.approx((1 + 0.4 + 0.1) / 3)
    assert doubt(found(), Looked({}, (), empty=True)) == 1


class AtOnce(Executor):
    """Work that is done where it is asked for."""

    def submit(self, work: Any, /, *arguments: Any, **named: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(work(*arguments, **named))
        return done


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Tissue, the same out of focus, nothing, and a file that is no image."""
    (tmp_path / "images").mkdir()
    tissue = data.immunohistochemistry()[:256, :256]
    blurred = (filters.gaussian(tissue, 3, channel_axis=2) * 255).astype(np.uint8)
    for name, pixels in (("clear", tissue), ("blurred", blurred), ("glass", np.full_like(tissue, 244))):
        Image.fromarray(pixels).save(tmp_path / "images" / f"{name}.png")
    (tmp_path / "images" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    return tmp_path


def test_images_that_the_model_is_less_sure_of_come_first_and_broken_ones_not_at_all(folder: Path) -> None:
    doubts, query = Doubts(), Query(MODEL, 0.5)
    candidates = [Candidate(path.stem, path) for path in sorted((folder / "images").iterdir())]
    ranked = doubts.ranked(candidates, query)
    values = dict(ranked)
    assert set(values) == {"glass", "blurred", "clear"}
    assert [value for _, value in ranked] == sorted(values.values(), reverse=True)
    assert ranked[0] == ("glass", pytest.approx(2 / 3))  # or too faint: nobody said that it is empty
    assert all(0 < values[name] < 2 / 3 for name in ("blurred", "clear"))  # which of them, the weights decide
    assert doubts.ranked(candidates, query) == ranked


def test_the_page_ranks_by_the_clicks_of_the_files(folder: Path) -> None:
    session = ClickSession(ClickFolder(folder), lambda path: (256, 256))
    models = Models(TrainingRuns(folder / "trainings"), MODEL, 0.5)
    ranking = Ranking(session, models, Doubts(), AtOnce())
    session.clicks("clear").edit(add=[(3.0, 3.0)])  # one click, and it says that everything is clicked
    ranking.begin()
    while ranking.busy:
        ranking.poll()
    assert set(ranking.known) == {"clear", "blurred", "glass"} and ranking.known["clear"] > 0.9
    order = sorted(ranking.known, key=lambda name: -ranking.known[name])
    assert order[0] == "clear" and ranking.next_after(None) == "clear" and ranking.next_after("clear") == order[1]
    assert "most in doubt: clear" in ranking.said and "in 1 of 3 nothing was found" in ranking.said
    assert ranking.words()["glass"] == "nothing found, doubt 0.67"
    session.clicks("glass").state_empty()
    ranking.begin()
    while ranking.busy:
        ranking.poll()
    assert ranking.known["glass"] == 0 and "nothing was found" not in ranking.said
    ranking.forget()
    assert ranking.next_after("clear") is None and not ranking.busy


def test_the_next_image_is_the_most_doubtful_of_a_few_that_are_looked_through(folder: Path) -> None:
    doubts, query = Doubts(), Query(MODEL, 0.5)
    candidates = [Candidate(name, folder / "images" / f"{name}.png") for name in ("clear", "blurred", "glass")]
    assert doubts.most_doubtful(candidates, query, most=1) == "clear"  # only this one is known
    known = dict(Doubts().ranked(candidates[:2], query))
    assert doubts.most_doubtful(candidates, query, most=1) == max(known, key=known.__getitem__)  # "blurred", too
    assert doubts.most_doubtful(candidates, query) == "glass"
    assert doubts.most_doubtful([], query) is None
    gone = Candidate("gone", folder / "images" / "gone.png")
    assert doubts.most_doubtful([gone], query) == "gone"

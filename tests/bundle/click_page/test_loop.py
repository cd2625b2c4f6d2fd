# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The whole loop in a real browser: propose, take over, correct, train, look, go back, export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bundle.simulation.dataset import write_dataset
from tests.bundle.click_page.browser import Page, Served, serving

LONG = 400.0  # s


def count(page: Page, name: str) -> int:
    return len(page.source(name)["x"])


@pytest.mark.slow
def test_the_whole_loop(tmp_path: Path, driver: Any) -> None:
    folder = write_dataset(tmp_path / "data", images=2, size=(160, 200), testing=0, seed=3)
    truth = (folder / "points" / "simulated_001.csv").read_text()
    (folder / "points" / "simulated_000.csv").unlink()
    (folder / "points" / "simulated_001.csv").unlink()
    Image.new("L", (150, 150)).save(folder / "images" / "z_grey.png")
    with serving(folder, "--preset", "smoke") as served:
        page = Page(driver, served.url)
        propose_and_correct(page, folder)
        page.show("z_grey")
        page.press("propose")
        page.until(lambda: "a grey image where RGB is configured" in page.text("finds"), LONG)
        (folder / "points" / "simulated_001.csv").write_text(truth)
        rank(page)
        train_and_go_back(page, served, folder)
        export(page, folder)


def propose_and_correct(page: Page, folder: Path) -> None:
    page.show("simulated_000")
    page.press("propose")
    page.until(lambda: count(page, "proposals") > 10, LONG)
    found = page.source("proposals")
    offered = len(found["x"])
    assert "objects, of which" in page.text("sizes") or "objects, median area" in page.text("sizes")
    assert count(page, "table") == offered and len(page.source("histogram")["top"]) > 0
    page.click(found["x"][3], -found["y"][3])  # one proposal is taken over
    page.until(lambda: count(page, "points") == 1 and count(page, "proposals") == offered - 1)
    page.key("a")  # and all others
    page.until(lambda: count(page, "points") == offered and count(page, "proposals") == 0)
    rows = (folder / "points" / "simulated_000.csv").read_text().splitlines()
    assert len(rows) == offered + 1
    page.key("z", ctrl=True)  # all at once, too
    page.until(lambda: count(page, "points") == 1)
    page.key("y", ctrl=True)
    page.until(lambda: count(page, "points") == offered)
    before = page.view()
    page.click(2.0, 2.0)
    page.until(lambda: count(page, "points") in (offered, offered + 1))
    page.key("n")
    page.until(lambda: page.view() != before or "agree here" in page.text("finds"))


def rank(page: Page) -> None:
    page.show("simulated_000")
    page.press("rank")
    page.until(lambda: page.text("ranked").startswith("most in doubt: "), LONG)
    listed = dict(page.property("images", "options"))
    assert "doubt" in listed["simulated_000"] and "doubt" in listed["simulated_001"] and "doubt" not in listed["z_grey"]
    page.key("d")
    page.until(lambda: page.text("status").startswith("simulated_001: "))
    page.until(lambda: "of" in page.text("finds") or "agree here" in page.text("finds"), LONG)


def train_and_go_back(page: Page, served: Served, folder: Path) -> None:
    page.show("simulated_001")
    page.press("train")
    page.until(lambda: page.text("training").startswith("trained; on 2 images"), LONG)
    assert "before, detection F1" in page.text("training") and "after, detection F1" in page.text("training")
    page.until(lambda: page.property("comparison", "text").count("data:image/jpeg") == 2)
    trained = sorted((folder / "click" / "trainings").glob("*/results/segmentation/model.pt"))
    assert len(trained) == 1
    options = page.property("model", "options")
    assert len(options) == 2 and "as given" in options[0][1]
    for path, _ in (options[1], options[0]):  # the new model, and one click back
        page.run(
            "[...Bokeh.documents[0]._all_models.values()].find((m) => m.name == 'model').value = arguments[0]", path
        )
        page.until(lambda wanted=path: page.property("model", "value") == wanted)
    page.press("propose")
    page.until(lambda: count(page, "proposals") + count(page, "points") > 10, LONG)


def export(page: Page, folder: Path) -> None:
    page.press("segment all")
    page.until(lambda: "images are segmented" in page.text("export") or "stopped" in page.text("export"), LONG)
    (results,) = (folder / "click" / "results").iterdir()
    names = ["simulated_000", "simulated_001"]
    assert sorted(path.stem for path in (results / "labels").glob("*.tif")) == names
    assert sorted(path.stem for path in (results / "geojson").glob("*.geojson")) == names
    assert "z_grey" in page.text("export") or "failed" in page.text("export")  # the one that does not fit is named

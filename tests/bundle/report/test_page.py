# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The report's page: what it says, that it holds everything itself, and what it says when something is missing."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from bundle.files.manifest_file import MANIFEST, read_manifest
from bundle.metrics.catalogue import LABEL_METRICS, TITLES
from bundle.pipeline.baselines import BASELINE_TITLES
from bundle.report import write_report
from bundle.report.results import read_report_rows, read_stages
from bundle.report.summary import beside, headline, missing_parts

MakeOutput = Callable[..., Path]
VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """Collects the elements of a page and checks that they are closed in order."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text, self._open = "", []
        self.feed(path.read_text(encoding="utf-8"))
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def page(whole: Path) -> Page:
    return Page(whole / "report" / "index.html")


def change_manifest(folder: Path, **changes: Any) -> None:
    content = {**(read_manifest(folder) or {}), **changes}
    (folder / MANIFEST).write_text(json.dumps(content), encoding="utf-8")


def test_headline_gives_mean_and_sd_and_below_it_the_baselines(page: Page) -> None:
    # AJI is the fourth column: .53, .63, .73 of the method, a tenth less per row below
    assert "AJI 0.630 ± 0.100 on 3 testing images, trained on points alone." in page.text
    assert "ellipses as labels of the real images 0.530, dense labels (upper bound) 0.430." in page.text


def test_page_holds_everything_itself(whole: Path, page: Page) -> None:
    assert page.all("script") == []
    assert page.all("link") == []
    assert page.all("img") and all(str(image["src"]).startswith("data:image/") for image in page.all("img"))
    styles = re.findall(r"<style>.*?</style>", (whole / "report" / "index.html").read_text("utf-8"), re.S)
    assert styles and "url(" not in "".join(styles)


def test_every_picture_has_an_alternative_text(page: Page) -> None:
    assert all(image.get("alt") for image in page.all("img"))
    curves = [each for each in page.all("div") if each.get("role") == "img"]
    assert len(curves) == 3 and all(each.get("aria-label") for each in curves)


def test_names_are_shown_as_they_are_and_never_as_markup(page: Page) -> None:
    assert "tissue <b>2" in page.text and "<script>" in page.text  # as text: the parser saw no such element
    assert page.all("b") == []


def test_links_lead_to_files_and_sections_that_exist(page: Page, whole: Path) -> None:
    links = [str(link["href"]) for link in page.all("a")]
    files = [link for link in links if not link.startswith("#")]
    assert len(files) == 3  # an overlay of each testing image, one of which is called "tissue 1 #a"
    assert all((whole / "report" / unquote(urlsplit(link).path)).is_file() for link in files)
    ids = {attributes.get("id") for _, attributes in page.elements}
    assert {link[1:] for link in links if link.startswith("#")} <= ids


def test_predictions_show_best_median_worst(page: Page) -> None:
    assert re.findall(r"(\w+) by AJI", page.text) == ["best", "median", "worst"]
    assert re.search(r"this method: \d+ objects, AJI 0.730", page.text)  # of the best image


def test_rows_of_pictures_lead_from_points_to_training_pairs(page: Page) -> None:
    captions = [
        "points on the real image plain",
        "mask drawn around the points",
        "synthetic image painted over the mask",
    ]
    captions += ["outlines found around its points"]
    assert sorted(captions, key=page.text.index) == captions
    alternatives = [str(image["alt"]) for image in page.all("img")]
    assert sum("synthetic image painted" in text for text in alternatives) == 3
    assert sum("outlines found around" in text for text in alternatives) == 2


def test_the_panel_is_shown_from_the_start_to_the_end_and_its_last_noises(page: Page) -> None:
    captions = re.findall(r"update (\d+): (mask, painted|masks, each)", page.text)
    shown = [("100", "mask, painted"), ("300", "mask, painted"), ("400", "mask, painted"), ("400", "masks, each")]
    assert captions == shown


def test_what_is_watched_is_drawn_beside_the_losses_and_each_loss_once(whole: Path) -> None:
    text = (whole / "report" / "index.html").read_text(encoding="utf-8")
    assert text.count("<span>Seen in the same crops all along") == 1
    assert text.count(">contrast real<") == 1 and text.count(">cycle<") == 1


def test_settings_versions_and_the_command_are_there(page: Page, whole: Path) -> None:
    assert "network_def::width" in page.text and "torch" in page.text
    command = f"python -m scripts.pipeline compare --dataset_dir '{whole.parent / 'my data'}' --output_dir OUTPUT"
    assert f"{command} --preset cpu --mpp 0.25 --seed 3" in page.text


def test_without_labels_the_page_says_what_was_not_computed(make_output: MakeOutput) -> None:
    text = Page(write_report(make_output(labels=False, baselines=()))).text
    assert "they have no labels to measure with" in text
    titles = [title for key, title in TITLES.items() if key in LABEL_METRICS]
    assert titles[:3] == ["AJI", "PQ", "IoU"] and f"Not computed: {', '.join(titles)}." in text
    assert "true outline" not in text


def test_an_unfinished_run_has_a_page(make_output: MakeOutput) -> None:
    output = make_output(baselines=())
    for stage in ("synthetic", "segmentation", "predictions"):
        shutil.rmtree(output / stage)
    change_manifest(output / "synthesis", complete=False)
    with open(output / "synthesis" / "losses.csv", "a") as file:
        file.write("510,1")  # a line that a crash cut short
    text = Page(write_report(output, titles=BASELINE_TITLES)).text
    assert "Not finished: synthesis, synthetic, segmentation, predictions still to be done." in text
    assert "Stage synthesis is not finished" in text and "Stage predictions has not begun" in text


def test_labelled_images_are_shown_where_none_are_painted(make_output: MakeOutput) -> None:
    output = make_output()
    shutil.rmtree(output / "synthetic" / "images")
    page = Page(write_report(output, titles=BASELINE_TITLES))
    assert "outlines found around its points" in page.text and "painted over the mask" not in page.text
    assert "learns from these pairs." in page.text


def test_why_nothing_was_painted_is_said(make_output: MakeOutput, page: Page) -> None:
    output = make_output(baselines=())
    record = read_manifest(output / "synthesis")["record"]  # type: ignore[index]
    decision = {"variant": "real_only", "why": "clicks lie about 0.6 um <beside> the centres"}
    change_manifest(output / "synthesis", record=record | {"decision": decision})
    said = "Variant real_only, as nobody named one: clicks lie about 0.6 um &lt;beside&gt; the centres."
    assert said in write_report(output).read_text(encoding="utf-8")
    assert "as nobody named one" not in page.text


def test_the_data_set_may_be_gone(make_output: MakeOutput) -> None:
    output = make_output()
    shutil.rmtree(output.parent / "my data")
    text = Page(write_report(output, titles=BASELINE_TITLES)).text
    assert "The data set's folder is not where it was" in text
    assert "points on the real image" not in text and "mask drawn around the points" in text


def test_figures_of_images_trained_on_are_called_so(make_output: MakeOutput) -> None:
    output = make_output(baselines=())
    change_manifest(output / "predictions", settings={"split": "training"})
    rows, stages = read_report_rows(output), read_stages(output)
    assert "on 3 training images" in headline(rows, stages)
    assert any(line.startswith("No image was held out") for line in missing_parts(rows, stages, None))
    assert beside(rows) == ""


def test_writing_again_replaces_the_page_and_completes_the_manifest(make_output: MakeOutput) -> None:
    output = make_output(baselines=())
    write_report(output, titles=BASELINE_TITLES)
    page = write_report(output, titles=BASELINE_TITLES)
    assert sorted(path.name for path in page.parent.iterdir()) == ["index.html", MANIFEST]
    manifest = read_manifest(page.parent)
    assert manifest is not None and manifest["complete"] and len(manifest["sessions"]) == 2


def test_a_folder_that_is_not_the_pipelines_is_left_alone(tmp_path: Path, make_output: MakeOutput) -> None:
    with pytest.raises(FileNotFoundError, match="holds no stage of the pipeline"):
        write_report(tmp_path, titles=BASELINE_TITLES)
    output = make_output(baselines=())
    (output / "report").mkdir()
    (output / "report" / "thesis.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="was not written by the pipeline"):
        write_report(output, titles=BASELINE_TITLES)
    assert (output / "report" / "thesis.txt").read_text() == "mine"

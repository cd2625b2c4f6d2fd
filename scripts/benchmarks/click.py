# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The click page's times: from its start to a better model, and how it bears a slide of 40,000 x 40,000 px.

All is what the page itself does: its command, its server, its trainer. The browser is Chromium, driven by Selenium.
"""

from __future__ import annotations

import logging
import resource
import shutil
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from bundle.click_page.clicks.click_folder import ClickFolder
from bundle.click_page.clicks.session import ClickSession
from bundle.click_page.picture import open_picture
from bundle.click_page.tiles import Look, Tiles, native_level
from bundle.click_page.work.findings import Findings
from bundle.click_page.work.models import Models
from bundle.click_page.work.trainer import Trainer
from bundle.data.folder import DataFolder
from bundle.data.items import Item
from bundle.files.bundle_root import MODEL, ROOT
from bundle.files.images import read_image
from bundle.files.leftovers import scratch_folder
from bundle.files.points_csv import write_points
from bundle.files.writers import write_image
from bundle.label_server.query import Query
from bundle.label_server.runs import TrainingRuns
from bundle.metrics import evaluate_label

from .slides import write_slide

logger = logging.getLogger(__name__)

RADIUS_UM = 3.0  # how far a found centre may lie from a click
PARTS = "start,draw,propose,slide,browse,train"
STATED = ("aji", "detection_f1")
WAIT = 100.0  # s; for machines that do much besides
PROCESSES = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN


def click_page(
    dataset_dir: str,
    image_mpp: float | None = None,
    model: str = str(MODEL),
    parts: str = PARTS,
    regions: int = 10,
    region_um: float = 96.0,
    measured: int = 8,
    slide_px: int = 40000,
    seed: int = 0,
) -> None:
    """Measure the click page on this machine.

    Args:
        dataset_dir: images with points (and labels, to measure with); only its training images are used.
        image_mpp: (or --mpp) um per px of the images; without it their tags are asked.
        model: weights that propose, and that training begins with.
        parts: what to measure: start (to the first page), draw (a click, in the browser), propose, slide (its tiles),
            browse (it, in the browser), train.
        regions: how many regions are clicked for the training.
        region_um: side of a region, um.
        measured: images, not trained on, to compare the models on.
        slide_px: side of the slide, px.
        seed: of the choice of regions.
    """
    folder, chosen = DataFolder(dataset_dir, image_mpp), parts.split(",")
    if unknown := [part for part in chosen if part not in PARTS.split(",")]:
        raise ValueError(f"parts name {unknown[0]!r}: choose of {PARTS}")
    with scratch_folder("click-benchmark") as scratch:
        if {"start", "draw"} & {*chosen}:
            _measure_page(folder.training[0], scratch / "page", chosen, image_mpp)
        if "propose" in chosen:
            _measure_proposals(folder.training[:2], Query(Path(model), image_mpp), scratch)
        if "slide" in chosen:
            measure_slide(scratch, slide_px)
        if "browse" in chosen:
            browse_slide(scratch, slide_px)
        if "train" in chosen:
            data = scratch / "clicked"
            used = write_clicked_regions(folder, data, regions, region_um, seed)
            others = [item for item in folder.training if item.name not in used][:measured]
            measure_training(data, Path(model), folder, others, image_mpp)


def _measure_page(item: Item, data: Path, chosen: Sequence[str], image_mpp: float | None) -> None:
    (data / "images").mkdir(parents=True)
    shutil.copyfile(item.image_path, data / "images" / item.image_path.name)
    imports = [_seconds([sys.executable, "-c", "import scripts.click"]) for _ in range(2)][-1]
    started = time.perf_counter()
    with _served(data, [] if image_mpp is None else ["--mpp", str(image_mpp)]) as (url, _):
        with urllib.request.urlopen(url) as answer:
            answer.read()
        whole = time.perf_counter() - started
        logger.info("start to page: %.1f s, of which imports %.1f s", whole, imports)
        if "draw" in chosen:
            _measure_drawing(url)


@contextmanager
def _served(data: Path, options: Sequence[str]) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The page on a folder: its address and its process."""
    command = [sys.executable, "-m", "scripts.click", str(data), "--port", "0", "--browser", "False", *options]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        try:
            url = next(line for line in process.stderr or () if "the page: " in line).split("the page: ")[1].split()[0]
            yield url, process
        finally:
            process.kill()


def _seconds(command: Sequence[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True)
    return time.perf_counter() - started


CLICK_TO_FRAME = """
const done = arguments[arguments.length - 1]
const models = [...Bokeh.documents[0]._all_models.values()]
const source = models.find((model) => model.name == "points" && model.data != null)
let began = 0
document.addEventListener("pointerup", () => { began = performance.now() }, {capture: true, once: true})
const drawn = () => {
  source.properties.data.change.disconnect(drawn)
  requestAnimationFrame(() => setTimeout(() => { window.click_took = performance.now() - began }))
}
source.properties.data.change.connect(drawn)
window.click_took = null
done(true)
"""


@contextmanager
def _browser() -> Iterator[Any]:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    for flag in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "window-size=1300,900"):
        options.add_argument(f"--{flag}")
    browser, driver_path = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
    if browser is None or driver_path is None:
        raise FileNotFoundError("no chromium with chromedriver: install them, or leave the parts draw and browse out")
    options.binary_location = browser
    driver: Any = webdriver.Chrome(options=options, service=Service(driver_path))
    try:
        yield driver
    finally:
        driver.quit()


def _open_page(driver: Any, url: str) -> None:
    driver.get(url)
    _until(lambda: driver.execute_script("return window.Bokeh && window.click_page_keys"))


def _measure_drawing(url: str, clicks: int = 30) -> None:
    with _browser() as driver:
        _open_page(driver, url)
        took = [_one_click(driver, number) for number in range(clicks)]
    median, most = statistics.median(took), max(took)
    logger.info("a click drawn, in the browser: median of %d clicks %.0f ms, longest %.0f ms", clicks, median, most)


def _one_click(driver: Any, number: int) -> float:
    driver.execute_async_script(CLICK_TO_FRAME)
    where = {"x": 500 + 40 * (number % 10), "y": 200 + 60 * (number // 10), "button": "left", "clickCount": 1}
    for kind in ("mousePressed", "mouseReleased"):
        driver.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": kind, **where})
    _until(lambda: driver.execute_script("return window.click_took != null"))
    return float(driver.execute_script("return window.click_took"))


def _until(holds: Any) -> None:
    end = time.monotonic() + WAIT
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(f"the page did not answer within {WAIT:g} s")
        time.sleep(0.02)


def _measure_proposals(items: Sequence[Item], query: Query, scratch: Path) -> None:
    """Of 1000 x 1000 px, the model being loaded and being there."""
    findings, took = Findings(), []
    for item in items:
        image = read_image(item.image_path)
        path = scratch / f"{item.name}.tif"
        write_image(path, np.ascontiguousarray(image.array[:, :1000, :1000]), image.mpp)
        started = time.perf_counter(), time.process_time()
        found = findings.find(path, query)
        took += [time.perf_counter() - started[0], time.process_time() - started[1]]
        logger.info("%s: %d objects", item.name, len(found.objects))
    logger.info(
        "proposals of 1000 x 1000 px: the first %.1f s, %.1f s of processor time (the model is loaded); the next %.1f"
        " s, %.1f s of processor time",
        *took[:4],
    )


def measure_slide(scratch: Path, side: int) -> dict[str, float]:
    """Look all over a large slide as the page does, and say how long tiles take and how much memory they need.

    Args:
        scratch: where the slide is written.
        side: of the slide, px.

    Returns:
        median_ms and longest_ms of a tile, and grown_mib, by how much the most memory of this process rose.
    """
    path = write_slide(scratch / "slide.tif", side)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KiB
    tiles = Tiles()
    key, native = tiles.key(path), native_level(open_picture(path).size)
    drawn = np.random.default_rng(0)
    took = []
    for level in range(native + 1):
        for _ in range(min(4**level, 24)):
            filled = max(int(2**level * side / (256 * 2**native)), 1)  # columns and rows that hold a part of the slide
            column, row = (int(drawn.integers(filled)) for _ in range(2))
            started = time.perf_counter()
            tiles.jpeg(key, Look(), level, column, row)
            took.append((time.perf_counter() - started) * 1000)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    figures = {"median_ms": statistics.median(took), "longest_ms": max(took), "grown_mib": grown}
    logger.info(
        "a slide of %d x %d px (%.0f MiB on disk): %d tiles at %d levels, median %.0f ms, longest %.0f ms; memory grew"
        " by %.0f MiB",
        *(side, side, path.stat().st_size / 2**20, len(took), native + 1),
        *figures.values(),
    )
    return figures


DRAWN = """
const plot = [...Bokeh.documents[0]._all_models.values()].find((model) => model.name == "picture")
const view = Bokeh.index.find_one(plot)
const pictures = [...(view?.renderer_views.values() ?? [])].find((each) => each.model.type == "TileRenderer")
if (pictures == null) { return false }
const source = pictures.model.tile_source, extent = pictures.get_extent(), {width, height} = view.frame.bbox
const level = Math.min(source.get_level_by_extent(extent, height, width), source.max_zoom)
const tiles = source.get_tiles_by_extent(extent, Math.max(level, 0))
return tiles.every(([x, y, z]) => source.tiles.get(source.tile_xyz_to_key(x, y, z))?.loaded)
"""  # whether all tiles in view are there, sharp
WIDTH = """
const plot = [...Bokeh.documents[0]._all_models.values()].find((model) => model.name == "picture")
return plot.x_range.end - plot.x_range.start
"""


def browse_slide(scratch: Path, side: int, moves: int = 60) -> dict[str, float]:
    """Look all over a large slide in a browser, with wheel and mouse, and click: what a person waits for, and memory.

    Args:
        scratch: where the slide is written.
        side: of the slide, px.
        moves: how many zooms and pans.

    Returns:
        first_ms, until all of the slide is drawn; median_ms and longest_ms, from a move until all tiles in view are
        there; click_ms, the median of ten clicks on single px; server_mib, browser_mib and heap_mib, the most memory of
        the server's process, of the browser's processes together, and of the page's JavaScript.
    """
    folder = scratch / "browsed"
    (folder / "images").mkdir(parents=True)
    write_slide(folder / "images" / "slide.tif", side)
    drawn, took = np.random.default_rng(0), []
    with _served(folder, []) as (url, process), _browser() as driver:
        started = time.perf_counter()
        _open_page(driver, url)
        _until(lambda: driver.execute_script(DRAWN))
        first = (time.perf_counter() - started) * 1000
        heap = most_resident = 0.0
        closer = True
        for move in range(moves):
            width = float(driver.execute_script(WIDTH))
            closer = width > 500 if closer else width > 0.7 * side  # as close as single nuclei, then away again
            x, y = (int(drawn.integers(low, high)) for low, high in ((450, 1150), (150, 750)))
            took.append(_wheel(driver, x, y, closer) if move % 3 else _pan(driver, x, y))
            heap = max(heap, float(driver.execute_script("return performance.memory.usedJSHeapSize")) / 2**20)
            most_resident = max(most_resident, _resident_of_children(driver.service.process.pid))
        driver.execute_script("document.dispatchEvent(new KeyboardEvent('keydown', {key: '0'}))")  # all of it
        _until(lambda: float(driver.execute_script(WIDTH)) > side)
        while float(driver.execute_script(WIDTH)) > 1500:
            _wheel(driver, 800, 450, closer=True)
        clicks = [_one_click(driver, number) for number in range(10)]
        server = int(Path(f"/proc/{process.pid}/status").read_text().split("VmHWM:")[1].split()[0]) / 1024
    stored = len((folder / "points" / "slide.csv").read_text().splitlines()) - 1
    figures = {"first_ms": first, "median_ms": statistics.median(took), "longest_ms": max(took)}
    figures |= {"click_ms": statistics.median(clicks), "server_mib": server}
    figures |= {"browser_mib": most_resident, "heap_mib": heap}
    logger.info(
        "a slide of %d x %d px in the browser: all of it drawn after %.0f ms; %d zooms and pans, all tiles there after"
        " %.0f ms in the median, %.0f ms at the longest; a click drawn after %.0f ms (%d of 10 in the file); at most"
        " %.0f MiB of the server, %.0f MiB of all processes of the browser, %.0f MiB of JavaScript",
        *(side, side, first, moves, figures["median_ms"], figures["longest_ms"], figures["click_ms"], stored),
        *(server, most_resident, heap),
    )
    return figures


def _wheel(driver: Any, x: int, y: int, closer: bool) -> float:
    """One notch of the wheel; ms until all is drawn."""
    started = time.perf_counter()
    wheel = {"type": "mouseWheel", "x": x, "y": y, "deltaX": 0, "deltaY": -240 if closer else 240}
    driver.execute_cdp_cmd("Input.dispatchMouseEvent", wheel)
    return _ms_until_drawn(driver, started)


def _pan(driver: Any, x: int, y: int) -> float:
    """A drag over 200 px of the screen, in the mode Look; ms until all is drawn."""
    driver.execute_script("document.dispatchEvent(new KeyboardEvent('keydown', {key: '4'}))")
    mouse = {"button": "left", "clickCount": 1}
    driver.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": "mousePressed", "x": x, "y": y, **mouse})
    started = time.perf_counter()
    for step in range(1, 5):
        place = {"x": x - 50 * step, "y": y - 20 * step}
        driver.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": "mouseMoved", **place, "buttons": 1, **mouse})
    driver.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": "mouseReleased", "x": x - 200, "y": y - 80, **mouse})
    took = _ms_until_drawn(driver, started)
    driver.execute_script("document.dispatchEvent(new KeyboardEvent('keydown', {key: '1'}))")
    return took


def _ms_until_drawn(driver: Any, started: float) -> float:
    time.sleep(0.03)  # Bokeh draws in the next frame
    _until(lambda: driver.execute_script(DRAWN))
    return (time.perf_counter() - started) * 1000


def _resident_of_children(pid: int) -> float:
    """MiB of memory of all processes below one; what they share is counted for each."""
    parents: dict[int, int] = {}
    for each in Path("/proc").iterdir():
        if each.name.isdecimal():
            with suppress(OSError):
                parents[int(each.name)] = int((each / "stat").read_text().rpartition(")")[2].split()[1])
    below, total = {pid}, 0.0
    while more := {child for child, parent in parents.items() if parent in below and child not in below}:
        below |= more
    for child in below - {pid}:
        with suppress(OSError, IndexError):
            total += int(Path(f"/proc/{child}/status").read_text().split("VmRSS:")[1].split()[0]) / 1024
    return total


def write_clicked_regions(folder: DataFolder, data: Path, count: int, side_um: float, seed: int) -> set[str]:
    """A folder in which so many square regions are clicked, one in each of as many training images.

    Args:
        folder: whose images and points are used.
        data: the folder to make.
        count: regions.
        side_um: of a region, um.
        seed: of the choice.

    Returns:
        The names of the images.

    Raises:
        ValueError: there are not so many images, or one is smaller than a region.
    """
    (data / "images").mkdir(parents=True)
    (data / "points").mkdir()
    drawn = np.random.default_rng(seed)
    if len(folder.training) < count:
        raise ValueError(f"{folder.dataset_dir}: {count} regions are asked for, of {len(folder.training)} images")
    chosen = [folder.training[place] for place in sorted(drawn.permutation(len(folder.training))[:count].tolist())]
    places: dict[str, tuple[int, int, int]] = {}
    for item in chosen:
        sample = folder.load(item)
        side = round(side_um / (sample["mpp"] or 1.0))
        height, width = sample["image"].shape[1:]
        if min(height, width) < side:
            raise ValueError(f"{item.image_path}: is smaller than a region of {side} px")
        x, y = int(drawn.integers(width - side + 1)), int(drawn.integers(height - side + 1))
        shutil.copyfile(item.image_path, data / "images" / item.image_path.name)
        low, high = torch.tensor([x, y]) - 0.5, torch.tensor([x, y]) + side - 0.5
        inside = ((sample["points"] >= low) & (sample["points"] < high)).all(dim=1)
        write_points(data / "points" / f"{item.name}.csv", sample["points"][inside])
        places[item.name] = (x, y, side)
    session = _session(data)
    for name, (x, y, side) in places.items():
        session.clicks(name).add_region((x, y), (x + side - 1, y + side - 1))
    return set(places)


def _session(data: Path) -> ClickSession:
    def size_of(path: Path) -> tuple[int, int]:
        height, width = read_image(path).array.shape[1:]
        return height, width

    return ClickSession(ClickFolder(data), size_of)


def measure_training(
    data: Path, model: Path, folder: DataFolder, others: Sequence[Item], image_mpp: float | None
) -> dict[str, float]:
    """Train as the page's button does, and compare the model before and after on images it was not trained on.

    Returns:
        seconds, processor_seconds of all cores, and metric_before and metric_after of `STATED`, as far as there are
        labels.
    """
    session, models = _session(data), Models(TrainingRuns(data / "click" / "trainings"), model, image_mpp)
    with ThreadPoolExecutor(1) as thread:
        trainer = Trainer(session, models, thread)
        before = sum(each.ru_utime + each.ru_stime for each in map(resource.getrusage, PROCESSES))
        started = time.perf_counter()
        trainer.begin(grey=False)
        while trainer.comparison is None:
            trainer.poll()
            if trainer.trouble:
                raise ValueError(trainer.said)
            time.sleep(0.2)
        took = time.perf_counter() - started
    used = sum(each.ru_utime + each.ru_stime for each in map(resource.getrusage, PROCESSES)) - before
    logger.info("%s", trainer.said)
    clicks = sum(state.points for state in session.states())
    logger.info(
        "%d regions, %d clicks, to a compared model: %.1f min, %.1f min of processor time",
        *(len(session.names()), clicks, took / 60, used / 60),
    )
    trained = models.known()[-1].path
    figures = {"seconds": took, "processor_seconds": used}
    for moment, path in (("before", model), ("after", trained)):
        found = accuracy_of(Query(path, image_mpp), folder, others)
        figures |= {f"{name}_{moment}": value for name, value in found.items()}
        shown = ", ".join(f"{name} {value:.3f}" for name, value in found.items())
        logger.info("%s, mean of %d images not trained on: %s", moment, len(others), shown)
    return figures


def accuracy_of(query: Query, folder: DataFolder, items: Sequence[Item]) -> dict[str, float]:
    """Mean of each of `STATED` over images of a data set, as far as they have labels; errors as `DataFolder.load`."""
    segmenter, rows = query.segmenter(), []
    for item in items:
        sample = folder.load(item)
        mpp = sample["mpp"] or segmenter.mpp
        truth = folder.load_label(item) if item.label_path else None
        rows.append(evaluate_label(segmenter(sample["image"], mpp).label, truth, sample["points"], RADIUS_UM / mpp))
    return {name: float(np.nanmean([row[name] for row in rows])) for name in STATED if all(name in row for row in rows)}

# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""A page served by the command itself, used as a person uses it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
START, WAIT = 120.0, 30.0  # s; machines that run many things at once are slow

VIEW = """
const fig = [...Bokeh.documents[0]._all_models.values()].find((m) => m.type == "Figure" && m.name == "picture")
const view = Bokeh.index.find_one(fig)
"""


@dataclass
class Served:
    """A page that runs."""

    url: str
    process: subprocess.Popen
    lines: list[str]


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[Served]:
    """The command on a folder, at a free port, until the block ends."""
    command = [sys.executable, "-m", "scripts.click", str(folder), "--port", "0", "--browser", "False", *options]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        lines: list[str] = []
        try:
            for line in process.stderr:
                lines.append(line.strip())
                if "the page: " in line:
                    yield Served(line.split("the page: ")[1].split()[0], process, lines)
                    return
            raise AssertionError("\n".join(lines))
        finally:
            process.kill()


class Page:
    """The page as a person uses it.

    Args:
        driver: of the browser.
        url: of the page.
    """

    def __init__(self, driver: Any, url: str) -> None:
        self.driver = driver
        driver.get(url)
        self.until(lambda: driver.execute_script("return window.Bokeh && Bokeh.documents.length > 0"))
        self.until(lambda: self.run(VIEW + "return fig.inner_width > 0 && view != null"))

    def until(self, holds: Callable[[], Any], seconds: float = WAIT) -> Any:
        """Wait until something holds, and give it."""
        end = time.monotonic() + seconds
        while True:
            try:
                if found := holds():
                    return found
            except Exception as error:  # the page is not there yet
                last: object = error
            else:
                last = "it does not hold"
            assert time.monotonic() < end, f"after {seconds} s: {last}; {self.text('status')}; {self.text('trouble')}"
            time.sleep(0.05)

    def run(self, code: str, *arguments: Any) -> Any:
        """The value of JavaScript."""
        return self.driver.execute_script(code, *arguments)

    def source(self, name: str) -> dict[str, list]:
        """The columns of a named source of data as the browser has them."""
        code = """
        const source = [...Bokeh.documents[0]._all_models.values()].find((m) => m.name == arguments[0])
        return Object.fromEntries(Object.entries(source.data).map(([key, value]) => [key, Array.from(value)]))
        """
        found: dict[str, list] = self.run(code, name)
        return found

    def chosen(self, name: str) -> list[int]:
        """Rows of a data source that are selected."""
        code = """
        const models = [...Bokeh.documents[0]._all_models.values()]
        return [...models.find((m) => m.name == arguments[0] && m.selected != null).selected.indices]
        """
        return self.run(code, name)

    def property(self, name: str, of: str) -> Any:
        """A property of a named part of the page."""
        code = "return [...Bokeh.documents[0]._all_models.values()].find((m) => m.name == arguments[0])[arguments[1]]"
        return self.run(code, name, of)

    def text(self, name: str) -> str:
        """What a named line of the page says, without its markup; "" where there is none."""
        code = """
        const line = [...Bokeh.documents[0]._all_models.values()].find((m) => m.name == arguments[0])
        const div = document.createElement("div")
        div.innerHTML = line == null ? "" : line.text
        return div.textContent
        """
        return str(self.run(code, name))

    def choose(self, name: str) -> None:
        """Choose an image of the list, as a person does."""
        code = """
        const list = [...Bokeh.documents[0]._all_models.values()].find((m) => m.name == "images")
        const select = Bokeh.index.find_one(list).el.shadowRoot.querySelector("select")
        for (const option of select.options) { option.selected = option.value == arguments[0] }
        select.dispatchEvent(new Event("change"))
        """
        self.run(code, name)

    def show(self, name: str) -> None:
        """Choose an image and wait until it is there."""
        self.choose(name)
        self.until(lambda: self.text("status").startswith(f"{name}: "))

    def view(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of what is seen, px of the image."""
        x0, x1, y0, y1 = self.run(
            VIEW + "return [fig.x_range.start, fig.x_range.end, fig.y_range.start, fig.y_range.end]"
        )
        return x0, -y1, x1, -y0

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Where a px of the image is in the window, px of the screen."""
        code = """
        const box = view.el.getBoundingClientRect()
        const sx = view.frame.x_scale.compute(arguments[0]), sy = view.frame.y_scale.compute(-arguments[1])
        return [box.left + sx, box.top + sy]
        """
        left, top = self.run(VIEW + code, x, y)
        return left, top

    def click(self, x: float, y: float, shift: bool = False) -> None:
        """Click on a px of the image."""
        self._mouse("mousePressed", *self.place(x, y), shift)
        self._mouse("mouseReleased", *self.place(x, y), shift)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Drag from one px of the image to another."""
        (left, top), (right, bottom) = self.place(*start), self.place(*end)
        self._mouse("mouseMoved", left, top)
        self._mouse("mousePressed", left, top)
        for step in range(1, 6):
            self._mouse("mouseMoved", left + (right - left) * step / 5, top + (bottom - top) * step / 5)
        self._mouse("mouseReleased", right, bottom)

    def key(self, key: str, ctrl: bool = False) -> None:
        """Press a key."""
        code = "document.dispatchEvent(new KeyboardEvent('keydown', {key: arguments[0], ctrlKey: arguments[1]}))"
        self.run(code, key, ctrl)

    def press(self, name: str) -> None:
        """Press a named button, where a person sees it."""
        code = """
        const button = [...Bokeh.documents[0]._all_models.values()].find((m) => m.name == arguments[0])
        Bokeh.index.find_one(button).el.shadowRoot.querySelector("button").click()
        """
        self.run(code, name)

    def _mouse(self, kind: str, left: float, top: float, shift: bool = False) -> None:
        event = {"type": kind, "x": left, "y": top, "button": "left", "clickCount": 1, "modifiers": 8 if shift else 0}
        event |= {"buttons": 0 if kind == "mouseReleased" else 1}
        self.driver.execute_cdp_cmd("Input.dispatchMouseEvent", event)

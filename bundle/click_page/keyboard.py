# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Keys that are pressed anywhere on the page, told to the server one by one.

Bokeh has no event for keys. The JavaScript here names the key, and the server decides. What a drag of the mouse does is
switched in the browser at once, so that a drag right behind a key is never taken for another kind.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bokeh.models import ColumnDataSource, CustomJS, Plot, RadioButtonGroup, Tool, Toolbar

KEYS = {
    "Delete": "delete",
    "Backspace": "delete",
    "z": "undo",
    "y": "redo",
    "1": "click",
    "2": "move",
    "3": "region",
    "4": "look",
    "p": "propose",
    "a": "take all",
    "n": "next place",
    "d": "next in doubt",
    "ArrowRight": "next image",
    "ArrowLeft": "image before",
    "+": "closer",
    "-": "further",
    "0": "whole",
    "o": "outlines",
    "Escape": "none",
}

LISTEN = """
if (window.click_page_keys) { return }
window.click_page_keys = true
document.addEventListener("keydown", (event) => {
  const within = event.composedPath()[0]
  const writes = within.tagName == "TEXTAREA" || within.tagName == "SELECT" ||
    (within.tagName == "INPUT" && !["radio", "checkbox", "button", "range"].includes(within.type))
  const plain = event.ctrlKey || event.metaKey
  let key = event.key.length == 1 ? event.key.toLowerCase() : event.key
  if (writes || event.altKey || !(key in keys) || (plain && !"zy".includes(key))) { return }
  if (key == "z" && event.shiftKey) { key = "y" }
  event.preventDefault()
  if (keys[key] in modes) { group.active = modes[keys[key]]; return }
  source.data = {action: [keys[key]], count: [source.data.count[0] + 1]}
}, true)
"""


SWITCH = "toolbar.active_drag = tools[group.active]"


def listen(plot: Plot, act: Callable[[str], None], group: RadioButtonGroup, modes: Sequence[str]) -> None:
    """Call `act(action)` for each key of `KEYS`, from when the plot is laid out; "document ready" waits for its tiles.

    Args:
        plot: a part of the page.
        act: does what a key stands for.
        group: the buttons of the modes; a key of a mode presses its button.
        modes: the actions that its buttons stand for, in order.
    """
    source = ColumnDataSource({"action": [""], "count": [0]})
    places = {mode: index for index, mode in enumerate(modes)}
    args = {"source": source, "keys": KEYS, "group": group, "modes": places}
    plot.js_on_change("inner_width", CustomJS(args=args, code=LISTEN))
    source.on_change("data", lambda name, old, new: act(str(new["action"][0])))
    plot.tags = [*plot.tags, source]


def switch_drags(group: RadioButtonGroup, toolbar: Toolbar, tools: Sequence[Tool]) -> None:
    """Let a drag of the mouse belong to the tool of the button that is pressed, without asking the server."""
    args = {"group": group, "toolbar": toolbar, "tools": list(tools)}
    group.js_on_change("active", CustomJS(args=args, code=SWITCH))

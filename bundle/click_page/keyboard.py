# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Keys that are pressed anywhere on the page, told to the server one by one.

Bokeh has no event for keys. This is the only JavaScript of the page: it names the key, and the server decides.
"""

from __future__ import annotations

from collections.abc import Callable

from bokeh.document import Document
from bokeh.events import DocumentReady
from bokeh.models import ColumnDataSource, CustomJS

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
  source.data = {action: [keys[key]], count: [source.data.count[0] + 1]}
}, true)
"""


def listen(doc: Document, act: Callable[[str], None]) -> ColumnDataSource:
    """Call `act(action)` for each key of `KEYS`; what is returned must be among the tags of a part of the page."""
    source = ColumnDataSource({"action": [""], "count": [0]})
    doc.js_on_event(DocumentReady, CustomJS(args={"source": source, "keys": KEYS}, code=LISTEN))
    source.on_change("data", lambda name, old, new: act(str(new["action"][0])))
    return source

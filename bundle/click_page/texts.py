# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Lines of text on the page. Whatever comes from a file's name or content is escaped: it is text, never markup."""

from __future__ import annotations

from html import escape

from bokeh.models import Div

GOOD, BAD, PLAIN = "#1b7f3b", "#b3261e", "#333333"


def note(text: str = "", colour: str = PLAIN, **more: object) -> Div:
    """A line of text; formulas are not looked for in it."""
    made = Div(disable_math=True, sizing_mode="stretch_width", margin=(2, 6, 2, 6), **more)
    say(made, text, colour)
    return made


def say(line: Div, text: str, colour: str = PLAIN) -> None:
    """Put another text into a line."""
    line.text = f'<span style="color:{colour};overflow-wrap:anywhere">{escape(text)}</span>'


def heading(text: str) -> Div:
    """The title of a part of the page."""
    return Div(text=f"<b>{escape(text)}</b>", disable_math=True, margin=(8, 6, 0, 6))

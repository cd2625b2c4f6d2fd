# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Buttons that stand for actions, by their names."""

from __future__ import annotations

from collections.abc import Callable

from bokeh.models import Button, Row

Act = Callable[[str], None]


def button(label: str, action: str, act: Act, kind: str = "default") -> Button:
    """A button that does `act(action)`; the action is its name on the page, too."""
    made = Button(label=label, sizing_mode="stretch_width", name=action, button_type=kind)
    made.on_click(lambda: act(action))
    return made


def buttons(act: Act, **actions: str) -> Row:
    """A row of buttons: action, with _ for blanks, to label."""
    made = [button(label, action.replace("_", " "), act) for action, label in actions.items()]
    return Row(*made, sizing_mode="stretch_width")

# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Brightness and channel of the picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bokeh.models import Button, Column, RangeSlider, Row, Select, UIElement

from .tiles import Look

CHANNELS = ("all colours", "red", "green", "blue")


class LookPanel:
    """Settings of how intensities are shown; they change no file.

    Args:
        changed: called when they are others.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self.range = RangeSlider(
            title="black to white", start=0, end=255, step=1, value=(0, 255), sizing_mode="stretch_width", name="range"
        )
        self.channel = Select(title="", options=list(CHANNELS), value=CHANNELS[0], width=130, name="channel")
        self.reset = Button(label="reset", width=70)
        self.range.on_change("value_throttled", self._say)
        self.channel.on_change("value", self._say)
        self.reset.on_click(self._reset)

    def look(self) -> Look:
        """The settings of now."""
        low, high = (int(value) for value in self.range.value)
        low = min(low, 254)
        return Look(low, max(high, low + 1), CHANNELS.index(self.channel.value))

    def layout(self) -> UIElement:
        """The part of the page."""
        return Column(self.range, Row(self.channel, self.reset), sizing_mode="stretch_width")

    def _say(self, attr: str, old: Any, new: Any) -> None:
        self._changed()

    def _reset(self) -> None:
        self.range.value = (0, 255)
        self.channel.value = CHANNELS[0]
        self._changed()

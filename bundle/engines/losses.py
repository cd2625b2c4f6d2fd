# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Losses on their way from the device to the reader: collected without waiting, read many updates at a time.

Reading a number off a GPU makes the CPU wait for it, so each update only stores its terms; once per window all are
fetched in one transfer, checked (a value that is not finite names its term and update) and averaged. What is read is
the mean over all processes of a run, so all must ask for it: to check, to read or to save.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .parallel import mean_over_processes


class NonFiniteLossError(ValueError):
    """Training has left the numbers: a loss or a weight is NaN or infinite."""


@dataclass(frozen=True)
class LossReading:
    """Means of the loss terms over the updates `first` to `last`, counted from 1."""

    first: int
    last: int
    means: dict[str, float]


class LossWindow:
    """The loss terms of the updates since the last reading."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.rows: list[Tensor] = []  # one (terms,) on the device per update

    def __len__(self) -> int:
        return len(self.rows)

    def add(self, terms: Mapping[str, Tensor]) -> None:
        """Store one update's terms, scalars; the same names every time."""
        self.names = self.names or list(terms)
        self.rows.append(torch.stack([terms[name].detach().float() for name in self.names]))

    def check(self, last: int, epoch_length: int) -> None:
        """Raise NonFiniteLossError when a stored term is not finite, naming the term, its update and its epoch.

        Args:
            last: the newest stored update, counted from 1.
            epoch_length: updates in an epoch.
        """
        if not self.rows:
            return
        values = self._values()
        bad = ~torch.isfinite(values)  # (updates, terms)
        if not bad.any():
            return
        row = int(bad.any(dim=1).nonzero()[0])
        step = last - len(self.rows) + 1 + row
        found = ", ".join(f"{self.names[i]!r} is {values[row, i]}" for i in bad[row].nonzero().flatten().tolist())
        raise NonFiniteLossError(
            f"training stopped: loss term {found} at update {step} (epoch {(step - 1) // epoch_length + 1})."
            " Resume from the last checkpoint with a lower learning rate or with precision float32; if the value comes"
            " back at the same update, look at that batch's images"
        )

    def read(self, last: int) -> LossReading:
        """Means of what is stored, and start anew; `last` is the newest stored update, counted from 1."""
        means = self._values().double().mean(dim=0).tolist()
        reading = LossReading(last - len(self.rows) + 1, last, dict(zip(self.names, means, strict=True)))
        self.rows = []
        return reading

    def _values(self) -> Tensor:
        """float (updates, terms) on the CPU, of the whole batch; after a resume some rows may still lie there."""
        if not self.rows:
            return torch.zeros(0, len(self.names))
        return mean_over_processes(torch.stack([row.to(self.rows[-1].device) for row in self.rows])).cpu()

    def state_dict(self) -> dict[str, Any]:
        """{"names": list of str, "rows": float (updates, terms)}."""
        return {"names": self.names, "rows": self._values()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what `state_dict` gave."""
        self.names, self.rows = list(state["names"]), list(state["rows"])

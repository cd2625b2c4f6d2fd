# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Handler: pictures of the same masks all along a training, painted by the generator as it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ignite.engine import Events
from torch import Tensor
from torch.nn import functional

from ..files.writers import write_png
from .base import Reporter
from .gan import CycleTrainer
from .panel import Panel, PanelState
from .tensorboard import montage

PANEL, NOISES = "update", "noises"  # what the pictures' names begin with
GAP = 2  # px between the images of a picture


class SamplePanel(Reporter):
    """Write what the networks make of the panel every so often, and at the end, as two PNG pictures.

    update_000600.png has a crop per row: mask, painted mask, what F reads in it, real image, what F reads in it, and
    that painted again. noises_000600.png has a mask per row, then its images, one noise each; there is none where G
    takes no noise. Pictures go by updates, and not with the checkpoints, which go by the clock: so two runs compare.
    All are kept, at most `most` and the last; a run that begins anew, or resumes, removes those of later updates.

    Args:
        panel: the crops.
        folder: where the pictures go, such as samples/ in the stage's folder; made if need be.
        every: updates between two pictures.
        most: pictures of one run; in a longer one the steps between them are some multiple of `every`.
    """

    def __init__(self, panel: Panel, folder: str | Path, every: int = 200, most: int = 20) -> None:
        self.panel, self.folder, self.every, self.most = panel, Path(folder), every, most

    def attach(self, engine: CycleTrainer) -> None:
        """Follow a CycleTrainer; stands after the handler that resumes."""
        engine.add_event_handler(Events.STARTED, self._forget)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._now_and_then)
        engine.add_event_handler(Events.COMPLETED, self._write)

    def interval(self, total: int) -> int:
        """Updates between two pictures of a run of `total` updates."""
        return self.every * max(-(-total // (self.every * self.most)), 1)

    def _forget(self, engine: CycleTrainer) -> None:
        """Remove what an earlier run painted after the update that this one begins at."""
        for path in [*self.folder.glob(f"{PANEL}_*.png"), *self.folder.glob(f"{NOISES}_*.png")]:
            step = path.stem.partition("_")[2]
            if step.isdigit() and int(step) > engine.state.iteration:
                path.unlink()

    def _now_and_then(self, engine: CycleTrainer) -> None:
        if engine.state.iteration % self.interval(engine.total_updates) == 0:
            self._write(engine)

    def _write(self, engine: CycleTrainer) -> None:
        look = self.panel.look(engine)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._save(PANEL, look, montage(framed(look.pictures)))
        if look.painted is not None:
            self._save(NOISES, look, noise_sheet(look.batch["hover_map"], look.painted))

    def _save(self, kind: str, look: PanelState, picture: Tensor) -> None:
        """Write a picture (3, H, W) in [0, 1]."""
        pixels = (picture * 255).round().byte().permute(1, 2, 0).numpy()
        write_png(self.folder / f"{kind}_{look.step:06d}.png", pixels)


def noise_sheet(hover_map: Tensor, painted: Tensor) -> Tensor:
    """A mask per row, then its images: (B, 3, H, W) and (M, K, C, H, W), M <= B, to (3, M (H + 2), (1 + K) (W + 2))."""
    columns = {f"noise {number}": images for number, images in enumerate(painted.unbind(1))}
    return montage(framed({"hover_map": hover_map[: len(painted)], **columns}))


def framed(columns: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Images or hover maps (B, C, H, W) with white to their right and below: (B, C, H + 2, W + 2)."""
    return {name: functional.pad(tensor, (0, GAP, 0, GAP), value=1.0) for name, tensor in columns.items()}

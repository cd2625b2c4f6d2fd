# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Synthetic pairs made while the segmenter trains on them: mask, noise and image are new in every batch."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor
from transforms.maps.style import image_style

from .streams import Batch, CropStream, batch_hover_map

JOINED = ("image", "label", "hover_map")  # what batches of all streams hold


class MapToImage(Protocol):
    """What paints images over hover maps, such as `bundle.inference.painting.SyntheticImageGenerator`."""

    def paint_maps(self, condition: Tensor, generators: Sequence[torch.Generator], styles: Tensor) -> Tensor:
        """Images (B, C, h, w) in [0, 1] over hover maps (B, 3, h, w); the styles are (B, 2 C)."""


class PaintedStream(CropStream):
    """Crops of masks drawn anew around points, each with an image that a frozen generator has just painted over it.

    The real crop gives its points, and its style to a generator that asks for one; nobody sees its pixels otherwise.

    Args:
        image_generator: paints, on the device of the training images.
        arguments: those of `CropStream`; training images are `PointTrainingImages`, augmentations see what is painted.

    Attributes:
        painting_seconds: time spent on painting so far, as the CPU's clock tells it: all of it on a CPU, on a GPU the
            starting of it alone.
    """

    def __init__(self, image_generator: MapToImage, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.image_generator, self.painting_seconds = image_generator, 0.0

    def _shown(self, batch: Batch, largest_id: int, generators: list[torch.Generator]) -> Batch:
        started = time.perf_counter()
        condition = batch_hover_map(batch["label"], largest_id)  # (B, 3, h, w)
        painted = self.image_generator.paint_maps(condition, generators, image_style(batch["image"]))
        self.painting_seconds += time.perf_counter() - started
        return batch | {"image": painted.clone()}  # a copy, so that it may be trained on


class JoinedStream:
    """Batches put together of those of several streams.

    Args:
        streams: with epochs of one length; the crops of a batch stand in the streams' order.

    Raises:
        ValueError: there is no stream, or epochs differ in length.
    """

    def __init__(self, streams: Sequence[CropStream]) -> None:
        if len({len(stream) for stream in streams}) != 1:
            raise ValueError(f"epochs of {[len(stream) for stream in streams]} updates: streams need one length")
        self.streams = list(streams)

    def __len__(self) -> int:
        return len(self.streams[0])

    def __iter__(self) -> Iterator[Batch]:
        """The rest of the present epoch, or a whole one where an epoch has just ended."""
        for batches in zip(*self.streams, strict=True):
            yield joined_batch(batches)

    def set_position(self, step: int) -> None:
        """Go on with update `step`, counted from 0 over all epochs."""
        for stream in self.streams:
            stream.set_position(step)


def joined_batch(batches: Sequence[Batch]) -> Batch:
    """image, label, hover_map and, where one batch has it, weight, one behind the other; no weight is a weight of 1."""
    joined = {key: torch.cat([batch[key] for batch in batches]) for key in JOINED}
    if not any("weight" in batch for batch in batches):
        return joined
    weights = [batch.get("weight", torch.ones_like(batch["hover_map"][:, :1])) for batch in batches]
    return joined | {"weight": torch.cat(weights)}

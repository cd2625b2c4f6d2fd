# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""No update waits for its device: streams and a whole update run on torch's meta device, which holds no numbers.

There, whatever depends on values (nonzero, boolean indices, `item`, unknown lengths) raises where a GPU would be waited
for. Copies to a GPU are waited for as well, unless `to_device` makes them, and matrix inversions, which check their
input; so here those raise, too.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from itertools import chain
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

import bundle.engines.gan
from bundle.data.streams import CropStream
from bundle.data.training_images import EllipseTrainingImage, LabelledTrainingImage
from bundle.engines.gan import CycleTrainer
from bundle.engines.pool import ImagePool
from bundle.losses.synthesis import BackgroundTerm, MapCycleTerm, SynthesisObjective, paper_terms
from bundle.networks.compact import Compact
from bundle.networks.discriminator import image_discriminator, patch_discriminator
from bundle.networks.noise import Noise3D
from bundle.networks.spade import SPADEGenerator
from transforms.augment import ColourJitter, GaussianBlur, GaussianNoise, RandFlips, StainJitter
from transforms.random_streams import generator
from transforms.shapes.area_laws import UniformAreaLaw
from transforms.shapes.blobs import BlobSampler
from transforms.shapes.draw import draw_label
from transforms.shapes.ellipses import EllipseSampler
from transforms.to_device import to_device

SIZE, CROP = (80, 96), (32, 48)
JITTER = [RandFlips(), StainJitter(), ColourJitter(), GaussianBlur(), GaussianNoise()]
WAITING = (torch.tensor, torch.as_tensor, torch.from_numpy, Tensor.new_tensor, torch.linalg.inv, torch.linalg.solve)


class WithoutWaiting(TorchFunctionMode):
    """Refuses what makes a GPU be waited for though the meta device does not mind; not copies by `to_device`."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        given = [each for each in args if isinstance(each, Tensor)]
        written = [each for each in (result, *given[:1]) if isinstance(each, Tensor) and each.is_meta]
        waits = func in WAITING or any(each.ndim and not each.is_meta for each in given)
        if written and waits and sys._getframe(1).f_code is not to_device.__code__:
            raise RuntimeError(f"{func.__name__} would wait for the device: use to_device, or do it on the CPU")
        return result


def training_images(shapes: Callable[[UniformAreaLaw], EllipseSampler] = EllipseSampler) -> list[EllipseTrainingImage]:
    sampler = shapes(UniformAreaLaw(9.0, k=0.6))
    points = [torch.rand(60, 2, generator=generator(i)) * torch.tensor([96, 80]) - 0.5 for i in range(2)]
    return [
        EllipseTrainingImage(str(i), torch.zeros(3, *SIZE, device="meta"), each, sampler, 0.5)
        for i, each in enumerate(points)
    ]


def labelled_images() -> list[LabelledTrainingImage]:
    drawn = [draw_label(each.sampler(each.points, generator(3)), SIZE) for each in training_images()]
    return [
        LabelledTrainingImage("a", torch.zeros(3, *SIZE, device="meta"), each.to("meta"), int(each.max()))
        for each in drawn
    ]


@pytest.mark.parametrize(
    "values",
    [
        lambda there: there.nonzero(),
        lambda there: there[there > 0],
        lambda there: there.sum().item(),
        lambda there: torch.arange(3, device="meta").repeat_interleave(there.long()),
        lambda there: there.cpu(),
        lambda there: torch.zeros(3).to("meta"),
        lambda there: there.copy_(torch.zeros(3)),
        lambda there: torch.tensor([1.0, 2.0], device="meta"),
        lambda there: there.new_tensor([1.0, 2.0]),
        lambda there: torch.linalg.inv(torch.eye(3, device="meta") + there),
    ],
)
def test_waiting_is_noticed(values: Callable[[Tensor], object]) -> None:
    with pytest.raises((RuntimeError, NotImplementedError)), WithoutWaiting():
        values(torch.zeros(3, device="meta"))


@pytest.mark.parametrize("shapes", [EllipseSampler, BlobSampler])
@pytest.mark.parametrize("augmentations", [[RandFlips()], JITTER])
def test_batches_around_points_are_made_without_waiting(shapes: Any, augmentations: list[Any]) -> None:
    stream = CropStream(training_images(shapes), CROP, 3, 2, augmentations=augmentations)
    with WithoutWaiting():
        batch = stream.batch(1)
    assert all(tensor.is_meta for tensor in batch.values())
    assert {key: tuple(tensor.shape[1:]) for key, tensor in batch.items()} == {
        "image": (3, *CROP),
        "label": (1, *CROP),
        "point_map": (1, *CROP),
        "hover_map": (3, *CROP),
    }


@pytest.mark.parametrize("augmentations", [[RandFlips()], JITTER])
def test_batches_of_labels_are_made_without_waiting(augmentations: list[Any]) -> None:
    stream = CropStream(labelled_images(), CROP, 3, 2, augmentations=augmentations)
    with WithoutWaiting():
        batch = stream.batch(1)
    assert all(tensor.is_meta for tensor in batch.values())
    assert set(batch) == {"image", "label", "hover_map"}


def test_batches_with_weights_are_made_without_waiting() -> None:
    weighted = [replace(labelled_images()[0], weight=torch.zeros(1, *SIZE, device="meta")), *labelled_images()]
    stream = CropStream(weighted, CROP, 6, 2, augmentations=JITTER)
    with WithoutWaiting():
        batches = [stream.batch(step) for step in range(4)]
    assert all(batch["weight"].is_meta and batch["weight"].shape == (6, 1, *CROP) for batch in batches)


class MetaNoise(Noise3D):
    """There are no generators of the meta device."""

    def sample(self, batch: int, size: Any, generators: Any = None, device: Any = "cpu", style: Any = None) -> Tensor:
        return torch.randn(batch, self.channels, *size, device=device)


def small_trainer(stream: CropStream, monkeypatch: pytest.MonkeyPatch) -> CycleTrainer:
    """Small real networks on the meta device, every term of the objective, pools that are soon full."""
    monkeypatch.setattr(bundle.engines.gan, "counter_based", lambda *keys, device: generator(*keys))
    image_generator, mapper = SPADEGenerator(width=4, hidden=4, multipliers=(2, 2, 1)), Compact(image_channels=3)
    image_generator.noise = MetaNoise(1, 1)
    judges = image_discriminator(3, channels=4, layers=2), patch_discriminator(3, channels=4, layers=2)
    networks = [network.to("meta").train() for network in (image_generator, mapper, *judges)]
    halves = [chain(*(network.parameters() for network in half)) for half in (networks[:2], networks[2:])]
    optimizers = [torch.optim.Adam(half) for half in halves]
    terms = paper_terms() | {"background": BackgroundTerm(9.0), "map_cycle": MapCycleTerm()}
    trainer = CycleTrainer(
        *("meta", 1, stream, *networks, SynthesisObjective(terms), *optimizers),
        image_pool=ImagePool(3),
        mask_pool=ImagePool(3),
    )
    monkeypatch.setattr(trainer.precision, "autocast", nullcontext)  # which knows no meta device
    return trainer


def test_updates_of_stage_1_do_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = CropStream(training_images(), CROP, 3, 2, augmentations=[RandFlips()])
    trainer = small_trainer(stream, monkeypatch)
    for step in (1, 2, 3):
        engine: Any = SimpleNamespace(state=SimpleNamespace(iteration=step))
        with WithoutWaiting():
            terms = trainer._iteration(engine, stream.batch(step))
        assert {"total", "background", "discriminator_image"} <= terms.keys()
        assert all(term.is_meta and not term.ndim for term in terms.values())

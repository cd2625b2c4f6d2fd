# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Crop streams: batch n is a function of n, a cut run goes on as if it were whole, what belongs together stays so."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import ignite.distributed as idist
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils.data import ConcatDataset

from bundle.data.streams import Batch, CropStream, UnpairedStream
from transforms.augment import ColourJitter, GaussianNoise, RandFlips
from transforms.maps.hover import hover_map


@dataclass(frozen=True)
class ChartCrop:
    """What a batch has of one crop, by name."""

    parts: Batch
    largest_id: int = 1008

    @staticmethod
    def stack(crops: Sequence[ChartCrop]) -> Batch:
        return {key: torch.stack([crop.parts[key] for crop in crops]) for key in crops[0].parts}


@dataclass(frozen=True)
class Chart:
    """A scene whose image says where each pixel comes from: number of the scene, x and y."""

    number: int
    size: tuple[int, int] = (20, 30)
    share: float = 1.0

    @property
    def name(self) -> str:
        return f"chart_{self.number}"

    def crop(self, origin: tuple[int, int], size: tuple[int, int], generator: torch.Generator) -> ChartCrop:
        (x, y), (height, width) = origin, size
        crop = {key: value[:, y : y + height, x : x + width] for key, value in CHART.items()}
        crop["image"] = torch.cat([torch.full((1, *size), self.number / 64), crop["image"]])
        return ChartCrop(crop | {"draw": torch.rand(1, generator=generator)})  # as a scene draws its ellipses


ROWS, COLUMNS = torch.meshgrid(torch.arange(40), torch.arange(40), indexing="ij")
CHART = {
    "image": torch.stack([COLUMNS, ROWS]) / 64,
    "label": (1 + (COLUMNS // 5) + 100 * (ROWS // 4)).int()[None],  # a tile of 5 x 4 px is an object
    "point_map": ((COLUMNS % 5 == 1) & (ROWS % 4 == 2)).float()[None],
}
SCENES = [Chart(0), Chart(1, (16, 16)), Chart(2)]


def stream(**changes) -> CropStream:
    arguments = {"training_images": SCENES, "crop_size": (8, 12), "batch_size": 4, "updates": 5, "seed": 3}
    arguments["augmentations"] = [RandFlips(), ColourJitter(), GaussianNoise()]
    return CropStream(**arguments | changes)


def assert_same(first: Batch, second: Batch) -> None:
    assert first.keys() == second.keys()
    assert all(torch.equal(first[key], second[key]) for key in first)


def is_same(first: Batch, second: Batch) -> bool:
    return all(torch.equal(first[key], second[key]) for key in first)


def places(batch: Batch) -> list[tuple[int, int, int]]:
    """(scene, x, y) of each crop of a batch without augmentation."""
    corner = (batch["image"][:, :, 0, 0] * 64).round().int().tolist()
    return [(number, x, y) for number, x, y in corner]


def test_a_batch_depends_on_its_number_alone() -> None:
    expected = {n: stream().batch(n) for n in (0, 1, 7, 1000)}
    used = stream()
    torch.manual_seed(5)
    for n in (1000, 7, 0, 1):
        next(iter(used))
        assert_same(used.batch(n), expected[n])


def test_other_numbers_and_other_seeds_give_other_batches() -> None:
    batches = [stream(seed=seed).batch(n) for seed in (3, 4) for n in (0, 1, 5)]  # 0 and 5: first of two epochs
    assert not any(is_same(a, b) for i, a in enumerate(batches) for b in batches[:i])


def test_a_crop_depends_on_its_place_in_the_batch_and_not_on_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a batch in each of two processes is the same batch."""
    four = stream().batch(9)
    for rank in (0, 1):
        monkeypatch.setattr(idist, "get_rank", lambda rank=rank: rank)
        part = slice(2 * rank, 2 * rank + 2)
        assert_same({key: value[part] for key, value in four.items()}, stream(batch_size=2).batch(9))
    assert len(set(four["draw"].flatten().tolist())) == 4


@settings(max_examples=15)
@given(st.integers(0, 10), st.integers(1, 4))
def test_a_stream_set_to_a_position_goes_on_as_if_it_had_never_stopped(position: int, updates: int) -> None:
    end = 3 * updates
    uninterrupted = stream(updates=updates, batch_size=1, augmentations=())
    expected = [batch for _ in range(3) for batch in uninterrupted]
    resumed = stream(updates=updates, batch_size=1, augmentations=())
    resumed.set_position(min(position, end))
    found: list[Batch] = []
    while resumed.position < end:
        epoch = list(resumed)
        assert len(epoch) <= updates and resumed.position % updates == 0  # an epoch ends where it would have
        found += epoch
    assert len(expected) == end and len(found) == end - min(position, end)
    for one, other in zip(found, expected[len(expected) - len(found) :], strict=True):
        assert_same(one, other)


def test_an_epoch_has_as_many_batches_as_the_stream_is_long() -> None:
    endless = stream()
    assert len(endless) == 5
    assert [len(list(endless)) for _ in range(3)] == [5, 5, 5]
    assert endless.position == 15


def test_a_loop_that_breaks_off_is_continued_by_the_next() -> None:
    cut = stream()
    begun = list(islice(cut, 2))
    assert cut.position == 2
    whole = begun + list(cut)
    assert len(whole) == 5
    for n, batch in enumerate(whole):
        assert_same(batch, stream().batch(n))


def test_forms_of_a_batch() -> None:
    batch = stream().batch(0)
    shapes = {key: (tuple(value.shape), value.dtype) for key, value in batch.items() if key != "draw"}
    assert shapes == {
        "image": ((4, 3, 8, 12), torch.float32),
        "label": ((4, 1, 8, 12), torch.int32),
        "point_map": ((4, 1, 8, 12), torch.float32),
        "hover_map": ((4, 3, 8, 12), torch.float32),
    }


def test_every_scene_and_every_place_is_as_likely_as_any_other() -> None:
    training_images = [Chart(0, (8, 13)), Chart(1, (9, 12)), Chart(2, (40, 12))]
    drawn = places(stream(training_images=training_images, batch_size=600, augmentations=()).batch(0))
    counts = [sum(number == scene for number, _, _ in drawn) for scene in range(3)]
    assert all(abs(count - 200) < 4 * (600 * 2 / 9) ** 0.5 for count in counts)
    assert {(x, y) for number, x, y in drawn if number == 0} == {(0, 0), (1, 0)}
    assert {(x, y) for number, x, y in drawn if number == 1} == {(0, 0), (0, 1)}
    assert {y for number, _, y in drawn if number == 2} == set(range(33))  # to the last possible row


def test_an_image_of_the_size_of_a_crop_is_used_as_a_whole() -> None:
    assert set(places(stream(training_images=[Chart(4, (8, 12))], augmentations=()).batch(0))) == {(4, 0, 0)}


def as_seen(image: Tensor) -> tuple[Tensor, Tensor]:
    """Label and point map that a chart's image implies, whatever way round it is."""
    _, x, y = (image * 64).round().long().unbind(1)  # (B, H, W) each
    label = (1 + x // 5 + 100 * (y // 4)).int()
    return label.unsqueeze(1), ((x % 5 == 1) & (y % 4 == 2)).float().unsqueeze(1)


def test_flips_keep_image_label_and_points_together_and_hover_maps_are_of_what_is_seen() -> None:
    ways = set()
    for n in range(12):
        batch, unflipped = (stream(augmentations=each).batch(n) for each in ([RandFlips()], []))
        label, point_map = as_seen(batch["image"])
        assert torch.equal(batch["label"], label) and torch.equal(batch["point_map"], point_map)
        assert torch.equal(batch["hover_map"], hover_map(label))
        for turned, straight in zip(batch["image"], unflipped["image"], strict=True):
            axes = [axes for axes in ((), (1,), (2,), (1, 2)) if torch.equal(straight.flip(axes), turned)]
            assert len(axes) == 1  # the crop is the same, and it is flipped
            ways.add(axes[0])
    assert ways == {(), (1,), (2,), (1, 2)}


def test_hover_maps_follow_the_reading_direction_after_a_flip() -> None:
    """A flipped image of h would fall from left to right inside an object."""
    batch = next(
        b for n in range(20) if not is_same(b := stream(augmentations=[RandFlips()]).batch(n), stream().batch(n))
    )
    inside = (batch["label"][..., 1:] == batch["label"][..., :-1])[:, 0]
    h = batch["hover_map"][:, 0]
    assert ((h[..., 1:] - h[..., :-1])[inside] > 0).all()


def test_augmentations_are_applied_in_order_with_a_generator_per_crop() -> None:
    seen: list[tuple[str, int, set[str]]] = []

    def note(name: str):
        def augment(batch: Batch, generators: list[torch.Generator]) -> Batch:
            seen.append((name, len(generators), set(batch)))
            return batch | {name: torch.stack([torch.rand(1, generator=each) for each in generators])}

        return augment

    batch = stream(augmentations=[note("first"), note("second")]).batch(0)
    known = {"image", "label", "point_map", "draw"}
    assert seen == [("first", 4, known), ("second", 4, known | {"first"})]  # hover maps come last
    assert len(torch.cat([batch["draw"], batch["first"], batch["second"]]).unique()) == 12


def test_data_sets_that_are_joined_are_one_list_of_scenes() -> None:
    joined = ConcatDataset([SCENES[:1], SCENES[1:]])
    assert_same(stream(training_images=joined).batch(2), stream().batch(2))


WIDE, SQUARE = "chart_{} (30 x 20 px)", "chart_1 (16 x 16 px)"


@pytest.mark.parametrize(
    ("size", "small"),
    [
        ((21, 12), [WIDE.format(0), SQUARE, WIDE.format(2)]),
        ((8, 31), [WIDE.format(0), SQUARE, WIDE.format(2)]),
        ((17, 12), [SQUARE]),
    ],
)
def test_images_smaller_than_a_crop_are_named(size: tuple[int, int], small: list[str]) -> None:
    """An image that is listed several times is named once."""
    message = f"smaller than the crop of {size[1]} x {size[0]} px: {', '.join(small)}: choose a smaller crop_size"
    with pytest.raises(ValueError, match=rf"^{len(small)} of 3 images .*{re.escape(message)}"):
        stream(crop_size=size, training_images=[*SCENES, *SCENES])


@pytest.mark.parametrize("batch_size", [1, 2, 7])
def test_one_image_fills_batches_of_any_size(batch_size: int) -> None:
    batch = stream(training_images=SCENES[:1], batch_size=batch_size, augmentations=()).batch(0)
    assert batch["image"].shape[0] == len({(x, y) for _, x, y in places(batch)}) == batch_size


def test_data_sets_of_different_kinds_are_refused() -> None:
    class Other(Chart):
        pass

    with pytest.raises(ValueError, match=r"different kinds, \['Chart', 'Other'\]: train on one kind"):
        stream(training_images=ConcatDataset([SCENES, [Other(3)]]))


def test_no_images_are_refused() -> None:
    with pytest.raises(ValueError, match="no images to train on"):
        stream(training_images=[])


@pytest.mark.parametrize("empty", [{"batch_size": 0}, {"updates": 0}])
def test_empty_batches_and_epochs_are_refused(empty: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="both must be at least 1"):
        stream(**empty)


def test_an_unpaired_stream_has_masks_of_one_and_images_of_the_other():
    masks, images = stream(), stream(seed=4)
    unpaired = UnpairedStream(stream(), stream(seed=4))
    for step, batch in enumerate(unpaired):
        assert torch.equal(batch["image"], images.batch(step)["image"])
        assert all(torch.equal(batch[key], masks.batch(step)[key]) for key in ("label", "hover_map", "point_map"))
    assert step == len(unpaired) - 1


def test_an_unpaired_stream_goes_on_where_it_is_put():
    unpaired = UnpairedStream(stream(), stream(seed=4))
    unpaired.set_position(3)
    rest = list(unpaired)
    assert len(rest) == 2 and torch.equal(rest[0]["image"], stream(seed=4).batch(3)["image"])

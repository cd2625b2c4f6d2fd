# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Synthetic pairs: label and image belong together, the same seed paints the same, and a cut run is completed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from bundle.data.folder import DataFolder
from bundle.data.paired_training_images import PairedTrainingImage
from bundle.data.training_images import EllipseTrainingImage, LabelledTrainingImage
from bundle.files.images import load_image, read_image
from bundle.files.labels import read_label
from bundle.inference.painting import SyntheticImageGenerator, as_bytes
from bundle.networks.noise import Noise3D
from bundle.networks.resnet import ResNetGenerator
from bundle.networks.spade import SPADEGenerator
from bundle.networks.unet_generator import UNetGenerator
from transforms.maps.hover import hover_map
from transforms.shapes.area_laws import UniformAreaLaw
from transforms.shapes.ellipses import EllipseSampler

SIZE = (33, 45)
POINTS = torch.tensor([[8.0, 8.25], [22.0, 6.5], [37.25, 10.0], [12.0, 24.0], [30.0, 25.0], [44.4996, 32.4996]])


def scene(name: str, points: Tensor = POINTS) -> EllipseTrainingImage:
    return EllipseTrainingImage(name, torch.zeros(3, *SIZE), points, EllipseSampler(UniformAreaLaw(8.0, k=0.5)), 0.5)


SCENES = [scene("a"), scene("b", POINTS[:4])]


def generator(global_noise: int = 1, local_noise: int = 1) -> SPADEGenerator:
    torch.manual_seed(0)
    return SPADEGenerator(4, global_noise=global_noise, local_noise=local_noise, hidden=8, multipliers=(2, 1))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


class Recorder(SPADEGenerator):
    """Shows m as the image, keeps what it is given, and stops where it is told to."""

    def __init__(self, stop_at: int | None = None, value: float | None = None) -> None:
        torch.nn.Module.__init__(self)
        self.noise, self.stop_at, self.value = Noise3D(1, 2), stop_at, value
        self.maps: list[Tensor] = []
        self.noises: list[Tensor] = []

    def forward(self, hover_map: Tensor, noise: Tensor | None = None) -> Tensor:
        if len(self.maps) == self.stop_at:
            raise KeyboardInterrupt
        self.maps.append(hover_map), self.noises.append(noise)
        image = hover_map[:, 2:].expand(-1, 3, -1, -1)
        return image if self.value is None else torch.full_like(image, self.value)


# One image


@pytest.mark.parametrize("make", [generator, lambda: ResNetGenerator(4, blocks=1, local_noise=1)])
def test_the_same_draw_paints_the_same_image_and_another_draw_another(make) -> None:
    label = torch.zeros(1, *SIZE, dtype=torch.int32)
    label[:, 5:15, 7:20], label[:, 20:30, 10:30] = 1, 2
    image_generator = SyntheticImageGenerator(make())
    images = [image_generator.paint(label, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    assert torch.equal(images[0], images[1]) and not torch.equal(images[0], images[2])
    for image in images:
        assert image.shape == (3, *SIZE) and image.dtype == torch.float32 and image.device.type == "cpu"
        assert image.min() >= 0 and image.max() <= 1 and not image.requires_grad


def test_each_kind_of_noise_changes_the_image_in_its_own_way() -> None:
    """Without local noise an even background is even; with it, it varies from place to place."""
    blank = torch.zeros(1, *SIZE, dtype=torch.int32)

    def paint(global_noise: int, local_noise: int) -> list[Tensor]:
        image_generator = SyntheticImageGenerator(generator(global_noise, local_noise))
        return [image_generator.paint(blank, torch.Generator().manual_seed(seed)) for seed in (1, 2)]

    even = [paint(0, 0), paint(1, 0)]
    assert all(image.std(dim=(1, 2)).max() < 1e-4 for images in even for image in images)
    assert torch.equal(*paint(0, 0))
    for first, second in (paint(0, 1), paint(1, 1)):
        assert first.std(dim=(1, 2)).min() > 1e-3 and (first - second).std() > 1e-3


def test_noise_is_drawn_at_the_size_of_the_image() -> None:
    network = Recorder()
    SyntheticImageGenerator(network).paint(torch.ones(1, *SIZE, dtype=torch.int32), torch.Generator().manual_seed(0))
    [noise] = network.noises
    assert noise.shape == (1, 3, *SIZE)
    assert len(noise[0, 0].unique()) == 1 and (noise[0, 1:].std(dim=(1, 2)) - 1).abs().max() < 0.1


def test_the_condition_is_the_hover_map_and_the_network_is_evaluated() -> None:
    label = torch.zeros(1, *SIZE, dtype=torch.int32)
    label[:, 5:15, 7:20] = 9
    network = Recorder().train()
    image = SyntheticImageGenerator(network).paint(label)
    assert not network.training
    assert torch.equal(network.maps[0], hover_map(label)[None]) and torch.equal(image[:1], (label > 0).float())


def test_values_outside_the_range_of_an_image_are_cut() -> None:
    blank = torch.zeros(1, 4, 4, dtype=torch.int32)
    assert SyntheticImageGenerator(Recorder(value=1.5)).paint(blank).unique().tolist() == [1]
    assert SyntheticImageGenerator(Recorder(value=-0.5)).paint(blank).unique().tolist() == [0]


def test_bytes_are_rounded() -> None:
    image = torch.tensor([0.0, 0.4 / 255, 0.6 / 255, 127.6 / 255, 254.4 / 255, 1.0]).view(1, 1, 6)
    assert as_bytes(image).tolist() == [[[0, 0, 1, 128, 254, 255]]] and as_bytes(image).dtype == np.uint8


# A folder of pairs


def test_pairs_are_a_data_folder_whose_images_fit_their_labels(tmp_path: Path) -> None:
    SyntheticImageGenerator(Recorder(), seed=5).write_pairs(SCENES, tmp_path, mpp=0.5, pairs=2)
    folder = DataFolder(tmp_path)
    folder.check_points()
    folder.check_labels("training")
    assert [item.name for item in folder.training] == ["a_000", "a_001", "b_000", "b_001"]
    for item in folder.training:
        sample, label = folder.load(item), folder.load_label(item)
        assert sample["mpp"] == pytest.approx(0.5)
        assert torch.equal(sample["image"], (label > 0).float().expand(3, -1, -1))  # what Recorder paints
        column, row = (sample["points"] + 0.5).floor().long().T
        assert label[0, row, column].sort().values.tolist() == list(range(1, int(label.max()) + 1))
        assert torch.equal(sample["points"], POINTS if item.name[0] == "a" else POINTS[:4])


def test_every_pair_has_ellipses_and_noise_of_its_own(tmp_path: Path) -> None:
    network = Recorder()
    SyntheticImageGenerator(network).write_pairs([scene("a"), scene("b")], tmp_path, mpp=0.5, pairs=2)  # equal points
    for drawn in (network.maps, network.noises):
        assert len(drawn) == 4
        assert not any(torch.equal(one, other) for i, one in enumerate(drawn) for other in drawn[:i])


def test_a_seed_gives_one_folder_and_another_seed_another(tmp_path: Path) -> None:
    for name, seed in (("one", 3), ("again", 3), ("other", 4)):
        torch.manual_seed(len(name))
        SyntheticImageGenerator(generator(), seed=seed).write_pairs(SCENES, tmp_path / name, mpp=0.5)
    one, again, other = (contents(tmp_path / name) for name in ("one", "again", "other"))
    assert one == again and one.keys() == other.keys()
    assert not any(one[name] == other[name] for name in one if not name.startswith("points"))


def test_masks_and_noise_both_follow_the_seed(tmp_path: Path) -> None:
    networks = [Recorder(), Recorder()]
    for seed, network in enumerate(networks):
        SyntheticImageGenerator(network, seed=seed).write_pairs([scene("a")], tmp_path / str(seed), mpp=0.5)
    assert not torch.equal(networks[0].maps[0], networks[1].maps[0])
    assert not torch.equal(networks[0].noises[0], networks[1].noises[0])


def test_a_pair_does_not_depend_on_how_many_there_are(tmp_path: Path) -> None:
    SyntheticImageGenerator(generator()).write_pairs(SCENES, tmp_path / "few", mpp=0.5)
    SyntheticImageGenerator(generator()).write_pairs(SCENES, tmp_path / "many", mpp=0.5, pairs=3)
    many = contents(tmp_path / "many")
    assert len(many) == 18 and contents(tmp_path / "few").items() <= many.items()


def test_a_cut_run_is_completed_and_what_is_there_is_left_alone(tmp_path: Path) -> None:
    SyntheticImageGenerator(Recorder()).write_pairs(SCENES, tmp_path / "whole", mpp=0.5, pairs=2)
    cut = tmp_path / "cut"
    with pytest.raises(KeyboardInterrupt):
        SyntheticImageGenerator(Recorder(stop_at=2)).write_pairs(SCENES, cut, mpp=0.5, pairs=2)
    done = contents(cut)
    assert {name for name in done if name.startswith("images")} == {"images/a_000.tif", "images/a_001.tif"}
    times = {name: (cut / name).stat().st_mtime_ns for name in done}
    network = Recorder()
    SyntheticImageGenerator(network).write_pairs(SCENES, cut, mpp=0.5, pairs=2)
    assert len(network.maps) == 2
    assert contents(cut) == contents(tmp_path / "whole")
    assert {name: (cut / name).stat().st_mtime_ns for name in done} == times


def test_a_pair_without_its_image_is_made_anew(tmp_path: Path) -> None:
    """The image is written last, so a pair whose image is there is whole."""
    SyntheticImageGenerator(Recorder()).write_pairs(SCENES, tmp_path, mpp=0.5)
    whole = contents(tmp_path)
    (tmp_path / "images" / "a_000.tif").unlink()
    (tmp_path / "labels" / "a_000.tif").write_bytes(b"of an older version")
    (tmp_path / "points" / "a_000.csv").unlink()
    SyntheticImageGenerator(Recorder()).write_pairs(SCENES, tmp_path, mpp=0.5)
    assert contents(tmp_path) == whole


def test_the_image_is_the_last_file_of_its_pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("bundle.inference.painting.write_image", stop)
    with pytest.raises(KeyboardInterrupt):
        SyntheticImageGenerator(Recorder()).write_pairs(SCENES, tmp_path, mpp=0.5)
    assert sorted(contents(tmp_path)) == ["labels/a_000.tif", "points/a_000.csv"]


def test_grey_images_are_painted_too(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = SPADEGenerator(4, image_channels=1, hidden=8, multipliers=(2, 1))
    SyntheticImageGenerator(network).write_pairs([scene("a")], tmp_path, mpp=0.25)
    image = read_image(tmp_path / "images" / "a_000.tif")
    assert image.array.shape == (1, *SIZE) and image.mpp == pytest.approx(0.25)
    assert read_label(tmp_path / "labels" / "a_000.tif", SIZE).max() == len(POINTS)


# Into real tissue


def test_nuclei_are_painted_into_the_image_that_is_left_around_them(tmp_path: Path) -> None:
    image = (torch.rand(3, *SIZE, generator=torch.Generator().manual_seed(0)) * 255).round() / 255
    known = torch.zeros(1, *SIZE, dtype=torch.int32)
    known[:, 28:31, 3:8] = 1
    drawn = EllipseTrainingImage("a", image, POINTS[:2], EllipseSampler(UniformAreaLaw(8.0, k=0.5)), 0.5)
    paired = PairedTrainingImage(drawn, LabelledTrainingImage("a", image, known, 1, None))
    SyntheticImageGenerator(UNetGenerator(tissue_reach=2, channels=(4, 8))).write_pairs([paired], tmp_path, 0.5)
    painted = load_image(tmp_path / "images" / "a_000.tif").image
    label = read_label(tmp_path / "labels" / "a_000.tif", SIZE)
    erased = paired.tissue(label, 2)[3] > 0
    assert erased[known[0] > 0].all() and erased[label[0] > 0].all() and not erased.all()
    assert label.max() == 2  # the known object is not painted again
    different = (painted - image).abs().amax(0) > 1e-3
    assert not different[~erased].any() and different[erased].float().mean() > 0.5


def test_without_labelled_images_there_is_no_tissue_to_paint_into(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="real tissue"):
        SyntheticImageGenerator(UNetGenerator(tissue_reach=2, channels=(4, 8))).write_pairs(SCENES, tmp_path, 0.5)

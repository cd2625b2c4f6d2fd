# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The segmenter: windows, spacing, views and instances, with networks whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.inferers import SimpleInferer
from torch import nn

from bundle.inference.segmenter import Segmenter, pad_to, windows
from bundle.inference.test_time_augmentation import EIGHT_FOLD
from transforms.maps.hover import hover_map
from transforms.resample import resample_image


class Decoder(nn.Module):
    """A network that reads its answer off the image: red is h, green is v, blue is m."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(30.0))
        self.seen = []

    def forward(self, image):
        self.seen.append(tuple(image.shape))
        return torch.cat((image[:, :2] * 2 - 1, (image[:, 2:] - 0.5) * self.scale), 1)


class Differences(nn.Module):
    """A network that flips and turns commute with: h, v are differences of the red channel, m is the green one."""

    def forward(self, image):
        padded = nn.functional.pad(image[:, :1], (1, 1, 1, 1), mode="replicate")
        h = padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]
        v = padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]
        return torch.cat((h, v, image[:, 1:2]), 1)


def discs(size, centres, radius):
    """Label (1, H, W) of discs, the later over the earlier."""
    y, x = np.mgrid[: size[0], : size[1]]
    label = np.zeros(size, np.int32)
    for i, (cx, cy) in enumerate(centres, 1):
        label[(x - cx) ** 2 + (y - cy) ** 2 < radius**2] = i
    return torch.from_numpy(label)[None]


def encode(label):
    """The image from which Decoder reads the label's hover map."""
    target = hover_map(label)
    return torch.cat(((target[:2] + 1) / 2, target[2:]), 0)


def best_overlaps(label, truth):
    """IoU of each true object with the best found one."""
    found = [label == i for i in range(1, int(label.max()) + 1)]
    true = [truth == i for i in range(1, int(truth.max()) + 1)]
    return [max(((t & f).sum() / (t | f).sum()).item() for f in found) for t in true]


CENTRES = [(15, 20), (33, 22), (60, 15), (90, 50), (20, 70), (37, 75), (110, 80)]  # in raster order; some touch
LABEL = discs((96, 130), sorted(CENTRES, key=lambda c: c[1]), 10)


@pytest.mark.parametrize("size", [(1, 1), (3, 50), (64, 64), (65, 130)])
def test_windows_are_put_together_without_a_trace(size):
    image = torch.rand(3, *size, generator=torch.Generator().manual_seed(1))
    network = Decoder()
    result = Segmenter(network, 0.5, inferer=windows((32, 40), batch=3)).hover_map(image)
    expected = torch.cat((image[:2] * 2 - 1, torch.sigmoid((image[2:] - 0.5) * 30)), 0)
    assert torch.allclose(result, expected, atol=1e-5)
    assert {shape[2:] for shape in network.seen} == {(32, 40)}  # whatever the image's size


def test_objects_come_back_at_the_models_spacing():
    found = Segmenter(Decoder(), 0.5, inferer=windows((64, 64)))(encode(LABEL), mpp=0.5)
    assert found.label.dtype == torch.int32 and found.label.shape == LABEL.shape
    assert found.label.max() == len(CENTRES)
    assert min(best_overlaps(found.label, LABEL)) > 0.8
    assert torch.allclose(found.probability, (LABEL > 0).float(), atol=1e-5)


@pytest.mark.parametrize("mpp", [0.25, 0.8])
def test_objects_come_back_at_the_images_own_spacing(mpp):
    size = (round(96 * 0.5 / mpp), round(130 * 0.5 / mpp))
    centres = [((x + 0.5) * 0.5 / mpp - 0.5, (y + 0.5) * 0.5 / mpp - 0.5) for x, y in CENTRES]
    truth = discs(size, sorted(centres, key=lambda c: c[1]), 10 * 0.5 / mpp)
    network = Decoder()
    found = Segmenter(network, 0.5, inferer=SimpleInferer())(resample_image(encode(LABEL), size), mpp)
    assert network.seen[0][2:] == (96, 130)
    assert found.label.shape == found.probability.shape == (1, *size)
    assert found.label.max() == len(CENTRES)
    assert min(best_overlaps(found.label, truth)) > 0.85


def test_an_unknown_spacing_is_taken_for_the_models():
    network = Decoder()
    Segmenter(network, 0.5, inferer=SimpleInferer())(encode(LABEL))
    assert network.seen == [(1, 3, 96, 130)]


def test_eight_views_of_a_symmetric_network_agree_with_one():
    image = torch.rand(3, 21, 34, generator=torch.Generator().manual_seed(2))
    one = Segmenter(Differences(), 0.5, inferer=SimpleInferer()).hover_map(image)
    eight = Segmenter(Differences(), 0.5, inferer=SimpleInferer(), augmentation=EIGHT_FOLD).hover_map(image)
    assert torch.allclose(one, eight, atol=1e-6)
    assert one[:2].abs().max() > 0.5


def test_views_are_averaged():
    class Left(nn.Module):  # sees something in the left half only
        def forward(self, image):
            out = torch.zeros(1, 3, *image.shape[2:])
            out[:, 2] = torch.where(torch.arange(image.shape[3]) < image.shape[3] // 2, 50.0, -50.0)
            return out

    result = Segmenter(Left(), 0.5, inferer=SimpleInferer(), augmentation=EIGHT_FOLD).hover_map(torch.ones(3, 8, 8))
    assert torch.allclose(result[2], torch.full((8, 8), 0.5))


def test_a_blank_image_has_no_objects():
    found = Segmenter(Decoder(), 0.5)(torch.zeros(3, 40, 30))
    assert found.label.shape == (1, 40, 30) and not found.label.any()


def test_the_network_is_evaluated_not_trained():
    network = Decoder().train()
    assert not Segmenter(network, 0.5).network.training


@pytest.mark.parametrize("shape", [(1, 20, 20), (3, 20), (3, 0, 20)])
def test_an_image_of_another_kind_is_refused(shape):
    with pytest.raises(ValueError, match=r"the model takes \(3, H, W\)"):
        Segmenter(Decoder(), 0.5)(torch.zeros(shape))


def test_a_senseless_spacing_is_refused():
    with pytest.raises(ValueError, match="positive"):
        Segmenter(Decoder(), 0.5)(torch.zeros(3, 20, 20), mpp=-1.0)


@pytest.mark.parametrize(
    ("size", "smallest"), [((3, 4), (10, 23)), ((5, 5), (6, 3)), ((2, 9), (2, 9)), ((1, 1), (3, 2))]
)
def test_padding_is_numpys_reflection(size, smallest):
    image = torch.arange(float(2 * size[0] * size[1])).reshape(2, *size)
    more = [(0, max(0, want - have)) for want, have in zip(smallest, size, strict=True)]
    assert np.array_equal(pad_to(image, smallest), np.pad(image.numpy(), [(0, 0), *more], mode="reflect"))


def test_objects_lost_by_resampling_leave_no_gaps():
    def stripes(_):  # ids 1..6, each one px wide, in an image that is half as wide
        return torch.arange(1, 7, dtype=torch.int32).repeat(4, 1)[None]

    found = Segmenter(Decoder(), 0.5, inferer=SimpleInferer(), to_label=stripes)(torch.zeros(3, 2, 3), mpp=1.0)
    assert found.label.tolist() == [[[1, 2, 3], [1, 2, 3]]]

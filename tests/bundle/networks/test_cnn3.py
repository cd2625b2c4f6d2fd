# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""CNN3: equal to the patch classifier that it is the dense form of, at every pixel, in scores and in gradients."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from bundle.losses.classes import ClassLoss
from bundle.networks.cnn3 import CNN3

NO_DROPOUT = (0.0, 0.0, 0.0, 0.0)


def cnn3(image_channels: int = 3, width: float = 0.2, dropout: tuple[float, ...] = NO_DROPOUT) -> CNN3:
    """A small one, with biases that are not zero."""
    torch.manual_seed(0)
    network = CNN3(image_channels, width, dropout)
    for name, parameter in network.named_parameters():
        if name.endswith("bias"):
            nn.init.normal_(parameter, std=0.1)
    return network


def patch_classifier(network: CNN3) -> nn.Sequential:
    """Kumar et al. 2017: patches (N, C, 51, 51) in [-1, 1] to (N, 3), sharing the network's weights."""
    first, second, third, *connected = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    layers: list[nn.Module] = []
    for convolution in (first, second, third):
        plain = nn.Conv2d(convolution.in_channels, convolution.out_channels, convolution.kernel_size)
        plain.weight, plain.bias = convolution.weight, convolution.bias
        layers += [plain, nn.ReLU(), nn.MaxPool2d(2)]
    layers += [nn.Flatten(), Flat(connected[0]), nn.ReLU(), Flat(connected[1]), nn.ReLU(), Flat(connected[2])]
    return nn.Sequential(*layers)


class Flat(nn.Module):
    """A fully connected layer with the weights of a convolution that sees all there is."""

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        self.convolution = convolution

    def forward(self, features: Tensor) -> Tensor:
        return nn.functional.linear(features, self.convolution.weight.flatten(1), self.convolution.bias)


def patches_of(image: Tensor, mode: str) -> Tensor:
    """The 51 x 51 px around every pixel of an image (1, C, H, W) in [0, 1], row by row: (H W, C, 51, 51) in [-1, 1]."""
    windows = pad(2 * image - 1, [25, 25, 25, 25], mode=mode).unfold(2, 51, 1).unfold(3, 51, 1)
    return windows[0].permute(1, 2, 0, 3, 4).flatten(0, 1)  # (1, C, H, W, 51, 51)


def test_its_layers_are_those_of_the_paper() -> None:
    network, features = CNN3(), torch.zeros(1, 3, 51, 51)
    sizes = [tuple((features := layer(features)).shape[1:]) for layer in patch_classifier(network)]
    assert sizes[:9:3] == [(25, 48, 48), (50, 20, 20), (80, 5, 5)]
    assert sizes[2:9:3] == [(25, 24, 24), (50, 10, 10), (80, 2, 2)]
    assert sizes[9:] == [(320,), (1024,), (1024,), (1024,), (1024,), (3,)]
    assert sum(parameter.numel() for parameter in network.parameters()) == 1_557_984  # worked out by hand


@pytest.mark.parametrize(
    ("channels", "size", "mode"), [(3, (27, 34), "reflect"), (1, (40, 26), "reflect"), (3, (7, 40), "replicate")]
)
def test_every_pixel_gets_the_scores_of_its_patch(channels: int, size: tuple[int, int], mode: str) -> None:
    network = cnn3(channels).eval()
    image = torch.rand(1, channels, *size, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = patch_classifier(network)(patches_of(image, mode)).T.reshape(1, 3, *size)
        for pixels_at_once in (2**16, 5 * size[1], 1):  # in one strip, in strips of five rows, row by row
            network.pixels_at_once = pixels_at_once
            scores = network(image)
            torch.testing.assert_close(scores, expected, atol=1e-5, rtol=0)
            assert torch.equal(scores.argmax(1), expected.argmax(1))
    assert len(expected.argmax(1).unique()) > 1  # otherwise equal classes show nothing


def test_at_the_papers_size_some_pixels_get_the_scores_of_their_patches() -> None:
    torch.manual_seed(0)
    network = CNN3().eval()
    image = torch.rand(1, 3, 60, 70)
    with torch.no_grad():
        scores = network(image)[0].flatten(1).T[::97]
        expected = patch_classifier(network)(patches_of(image, "reflect")[::97])
    torch.testing.assert_close(scores, expected, atol=1e-5, rtol=0)
    assert torch.equal(scores.argmax(1), expected.argmax(1))


def test_a_crop_teaches_what_the_patches_of_its_pixels_teach() -> None:
    network = cnn3(width=0.1).double().train()
    image = torch.rand(1, 3, 8, 9, dtype=torch.float64)
    classes = torch.randint(3, (8 * 9,))
    parameters = list(network.parameters())
    scores = [network(image)[0].flatten(1).T, patch_classifier(network)(patches_of(image, "replicate"))]
    gradients = [torch.autograd.grad(nn.functional.cross_entropy(each, classes), parameters) for each in scores]
    for dense, patch in zip(*gradients, strict=True):
        torch.testing.assert_close(dense, patch)


@pytest.mark.parametrize("size", [(1, 1), (25, 26), (26, 80)])
@pytest.mark.parametrize("training", [True, False])
def test_any_size_and_batch_is_taken(size: tuple[int, int], training: bool) -> None:
    network = cnn3(1, dropout=(0.2, 0.25, 0.5, 0.5)).train(training)
    scores = network(torch.rand(2, 1, *size))
    assert scores.shape == (2, 3, *size)
    assert scores.isfinite().all()


def test_a_sample_does_not_depend_on_its_batch() -> None:
    network = cnn3().double()
    images = torch.rand(3, 3, 26, 30, dtype=torch.float64)
    torch.testing.assert_close(network(images)[1:2], network(images[1:2]), atol=1e-9, rtol=0)


def test_dropout_acts_in_training_alone() -> None:
    network = cnn3(dropout=(0.2, 0.25, 0.5, 0.5))
    image = torch.rand(1, 3, 16, 16)
    assert torch.equal(network.eval()(image), network(image))
    assert not torch.equal(network.train()(image), network(image))


def test_every_weight_learns() -> None:
    network = cnn3()
    network(torch.rand(2, 3, 30, 30)).square().sum().backward()
    assert [name for name, parameter in network.named_parameters() if not parameter.grad.any()] == []


def test_torchscript_computes_the_same() -> None:
    network = cnn3(dropout=(0.2, 0.25, 0.5, 0.5)).eval()
    scripted = torch.jit.script(network)
    for size in [(16, 16), (30, 42), (3, 50)]:
        image = torch.rand(1, 3, *size)
        torch.testing.assert_close(scripted(image), network(image))


def test_it_learns_to_find_two_touching_squares() -> None:
    network, loss = cnn3(width=0.15), ClassLoss(mpp=0.5)
    label = torch.zeros(1, 1, 16, 24, dtype=torch.int32)
    label[..., 4:12, 4:12], label[..., 4:12, 12:20] = 1, 2
    image = (0.3 + 0.4 * (label > 0)).expand(1, 3, 16, 24)
    optimiser = torch.optim.Adam(network.parameters(), 5e-3)
    for _ in range(60):
        optimiser.zero_grad()
        loss(network(image), label)["cross_entropy"].backward()
        optimiser.step()
    found = network(image).argmax(1)
    assert ((found > 0) == (label[:, 0] > 0)).float().mean() > 0.97
    assert found[0, 6:10, 11:13].eq(2).all() and found[0, 6:10, 6:10].eq(1).all()


@pytest.mark.parametrize(
    ("options", "message"), [({"width": 0}, "width is 0"), ({"dropout": (0.5, 0.5)}, "give four shares")]
)
def test_senseless_arguments_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CNN3(**options)

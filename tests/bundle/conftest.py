# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Small slides on disk for tests, and a network that reads its answer off them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch

from bundle.inference.model import ModelCard, describe_network, save_model
from bundle.networks.compact import Compact
from bundle.slide_segmentation.execution import InProcess
from bundle.slide_segmentation.plan import Settings
from bundle.slide_segmentation.request import SlideRequest
from bundle.slide_segmentation.run import segment_slides
from transforms.maps.hover import hover_map
from transforms.shapes.draw import draw_label


def half(image: np.ndarray) -> np.ndarray:
    """The next level of a pyramid: means of 2 x 2 px; a last odd row or column is left out."""
    height, width = image.shape[0] // 2 * 2, image.shape[1] // 2 * 2
    blocks = image[:height, :width].reshape(height // 2, 2, width // 2, 2, *image.shape[2:])
    return np.rint(blocks.mean((1, 3))).astype(image.dtype)


def tags(mpp: float | None) -> dict:
    """Resolution tags."""
    return {} if mpp is None else {"resolution": (1e4 / mpp, 1e4 / mpp), "resolutionunit": "CENTIMETER"}


def write_pyramid(path: Path, image: np.ndarray, mpp: float | None = 0.25, levels: int = 1, **options) -> Path:
    """A tiled TIFF with smaller copies as pages behind it, as libvips writes it."""
    options = {"tile": (64, 48), "photometric": "rgb" if image.ndim == 3 else "minisblack"} | options
    with tifffile.TiffWriter(path) as tiff:
        for level in range(levels):
            spacing = tags(None if mpp is None else mpp * 2**level)
            tiff.write(image, subfiletype=int(level > 0), metadata=None, **options, **spacing)
            image = half(image)
    return path


def write_ome(path: Path, image: np.ndarray, axes: str, mpp: float = 0.25, levels: int = 1, **options) -> Path:
    """An OME-TIFF, its smaller copies in SubIFDs; `axes` name the image's."""
    options = {"tile": (64, 48), "photometric": "rgb" if axes.endswith("S") else "minisblack"} | options
    metadata = {"axes": axes, "PhysicalSizeX": mpp, "PhysicalSizeY": mpp}
    with tifffile.TiffWriter(path, ome=True) as tiff:
        tiff.write(image, subifds=levels - 1, metadata=metadata, **options)
        for _ in range(levels - 1):
            image = np.stack([half(each) for each in image]) if axes[0] == "C" else half(image)
            tiff.write(image, subfiletype=1, **options)
    return path


def write_svs(path: Path, image: np.ndarray, mpp: float | None = 0.5, levels: int = 1) -> Path:
    """A slide that OpenSlide takes for one of Aperio's."""
    said = f"Aperio Image Library v0\r\nx|AppMag = 20{'' if mpp is None else f'|MPP = {mpp}'}"
    with tifffile.TiffWriter(path) as tiff:
        for level in range(levels):
            tiff.write(image, tile=(64, 48), photometric="rgb", description=said, metadata=None, subfiletype=0)
            if level == 0:
                tiff.write(half(image), photometric="rgb", description=said, metadata=None, rowsperstrip=64)
            image = half(image)
    return path


def noise(*shape: int, dtype: type = np.uint8, seed: int = 0) -> np.ndarray:
    """Smooth enough that levels resemble each other, different everywhere."""
    generator = np.random.default_rng(seed)
    coarse = generator.random((shape[0] // 8 + 2, shape[1] // 8 + 2, *shape[2:]))
    fine = np.kron(coarse, np.ones((8, 8, *[1] * len(shape[2:]))))[: shape[0], : shape[1]]
    return ((0.7 * fine + 0.3 * generator.random(shape)) * np.iinfo(dtype).max).astype(dtype)


class Files:
    """The writers above, as a fixture."""

    half, pyramid, ome, svs, noise = (staticmethod(each) for each in (half, write_pyramid, write_ome, write_svs, noise))


@pytest.fixture(scope="session")
def files() -> type[Files]:
    return Files


MPP, SLIDE_MPP = 0.5, 0.25  # um per px of the model, and of the slides


def decoder(norm: str = "none", blur: float = 0.0) -> Compact:
    """A network of the real kind with weights set by hand: h and v are read off red and green, 1 - m off blue.

    Args:
        norm: of the network.
        blur: size of random weights in all its layers, so that a pixel depends on what is around it.
    """
    generator = torch.Generator().manual_seed(0)
    network = Compact(channels=[8, 8], norm=norm)
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if "norm" not in name:
                weight.copy_(blur * torch.randn(weight.shape, generator=generator))
        for channel, gain in enumerate((1.7, 1.7, -20.0)):
            for feature, sign in (
                (2 * channel, 1.0),
                (2 * channel + 1, -1.0),
            ):  # what ReLU takes from one, the other has
                network.stem.weight[feature, channel, 1, 1] += sign
                network.exit[-1].weight[channel, feature, 1, 1] += sign * gain
    return network


def encoded(label: torch.Tensor) -> np.ndarray:
    """The picture (H, W, 3) from which `decoder` reads a label's (1, H, W) hover map."""
    h, v, m = hover_map(label)
    return torch.stack([(1 + 0.6 * h) / 2, (1 + 0.6 * v) / 2, 1 - m], -1).mul(255).round().byte().numpy()


def scene(size: tuple[int, int], count: int, radius: float = 7.0, seed: int = 0) -> torch.Tensor:
    """Label (1, H, W) of ellipses at random places, many of them touching, some cut by the border."""
    generator = torch.Generator().manual_seed(seed)
    height, width = size
    centres = torch.rand(count, 2, generator=generator) * torch.tensor([width, height]) - 0.5
    axes = radius * (0.7 + 0.6 * torch.rand(count, 2, generator=generator))
    angles = torch.rand(count, 1, generator=generator) * torch.pi
    return draw_label(torch.cat([centres, axes, angles], 1), size)


@dataclass(frozen=True)
class Bench:
    """A model, a slide of known objects, and a place for results."""

    folder: Path
    model: Path
    slide: Path
    label: torch.Tensor  # (1, H, W), px of the model's grid

    def request(self, **options) -> SlideRequest:
        """What is asked for, in small windows and tiles."""
        settings = {"window": 64, "tile": 96, "block": 96, "largest": 12.0}
        settings |= {name: options.pop(name) for name in (*settings, "batch", "overlap", "threads") if name in options}
        return SlideRequest(options.pop("model", self.model), Settings(**settings), **{"tissue": "none"} | options)

    def run(self, name: str, executor=None, slides=None, **options) -> Path:
        """Segment into a folder of this name; the folder of the slide's results. All must go well."""
        summary = segment_slides(
            slides or [self.slide], self.folder / name, self.request(**options), executor or InProcess()
        )
        assert not summary.failed, summary.failed
        return self.folder / name / self.slide.stem


def make_bench(folder: Path, size: tuple[int, int] = (256, 304), count: int = 90, **options) -> Bench:
    """A bench whose slide is so many px of the model's grid."""
    network = decoder(**options)
    save_model(folder / "model.pt", network, ModelCard(describe_network(network), mpp=MPP, diameter=6.0))
    label = scene(size, count)
    fine = np.kron(encoded(label), np.ones((2, 2, 1), np.uint8))
    return Bench(folder, folder / "model.pt", write_pyramid(folder / "slide.tif", fine, SLIDE_MPP, 2), label)


def results(folder: Path) -> dict[str, bytes]:
    """Name -> content of what a run found: everything but the manifest, the plan and the blocks."""
    return {
        path.name: path.read_bytes()
        for path in sorted(folder.iterdir())
        if path.suffix in (".csv", ".geojson", ".tif", ".png")
    }


class Benches:
    """The helpers above, as a fixture."""

    make, decoder, encoded, scene, results = (
        staticmethod(each) for each in (make_bench, decoder, encoded, scene, results)
    )


@pytest.fixture(scope="session")
def benches() -> type[Benches]:
    return Benches


@pytest.fixture
def bench(tmp_path) -> Bench:
    """A fresh one, with a network that looks a little around each pixel."""
    return make_bench(tmp_path, blur=0.02)


@pytest.fixture(autouse=True)
def one_thread():
    """Sums of floats depend on the number of threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)

# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Draw the README's moving picture, docs/click.gif: clicks, the outlines they become, an image without clicks.

    python -m scripts.experiments.click_figure draw --path docs/click.gif

The tissue is simulated. Outlines of the clicked image are the labels that the pipeline makes from points, those of the
other one are what the weights that ship find.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from bundle.data.training_images import PointedImage
from bundle.files.bundle_root import MODEL
from bundle.files.pictures import dotted, enlarge_label, resize
from bundle.inference.model import load_network, segmenter_of
from bundle.inference.pseudo_label_refiner import PseudoLabelRefiner
from bundle.inference.segmenter import Segmenter
from bundle.objects.overlay import COLOURS
from bundle.simulation.dataset import simulate_tissue
from matplotlib import font_manager
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scripts.command_line import run_command
from skimage.segmentation import find_boundaries

SIZE, SCALE, CAPTION = (200, 300), 2, 30  # px of the tissue; px of the picture for each; height of the line of text
CLICKED, UNSEEN = 1, 3  # seeds of the simulation
MPP, DIAMETER = 0.5, 6.0  # um per px and typical diameter in um, as the weights were trained
STEPS = 8  # pictures in which the clicks, and then the outlines, appear
FRAME, PAUSE = 160, 1800  # ms
COLOURS_IN_FILE = 96

Picture = NDArray[np.uint8]


def draw_click(path: str, model: str = str(MODEL)) -> None:
    """Draw the picture as an animated GIF.

    Args:
        path: the GIF; one that is there is replaced.
        model: trained weights, with their .json beside them.
    """
    segmenter = segmenter_of(load_network(model))
    frames = [*clicked_frames(segmenter), *unseen_frames(segmenter)]
    typical = np.concatenate([frames[place][0] for place in (0, len(frames) // 2, -1)])
    palette = Image.fromarray(typical).quantize(COLOURS_IN_FILE)
    first, *rest = (Image.fromarray(each).quantize(palette=palette, dither=Image.Dither.NONE) for each, _ in frames)
    first.save(path, save_all=True, append_images=rest, duration=[pause for _, pause in frames], loop=0, optimize=True)


def clicked_frames(segmenter: Segmenter) -> list[tuple[Picture, int]]:
    """Clicks that appear on an image, then the outlines that they become: pictures and how long each stays, ms."""
    simulated = simulate_tissue(SIZE, CLICKED, MPP, DIAMETER)
    image, points = torch.from_numpy(simulated.image).float() / 255, torch.from_numpy(simulated.points)
    label, _ = PseudoLabelRefiner(segmenter).label("clicked", SIZE, PointedImage(image, points, DIAMETER / MPP))
    tissue, ids = enlarged(simulated.image), label[0].numpy()
    places = (simulated.points + 0.5) * SCALE - 0.5
    frames = [(captioned(tissue, "Some tissue"), PAUSE // 2)]
    for shown in steps(len(places)):
        frames.append((captioned(dotted(tissue, places[:shown]), "1. Click the centre of each nucleus"), FRAME))
    for shown in steps(int(ids.max())):
        seen = dotted(outlines(tissue, np.where(ids <= shown, ids, 0)), places)
        frames.append((captioned(seen, "2. Each click becomes an outline, to train on"), FRAME))
    return longer(frames)


def unseen_frames(segmenter: Segmenter) -> list[tuple[Picture, int]]:
    """Another image, then what the segmenter finds on it."""
    simulated = simulate_tissue(SIZE, UNSEEN, MPP, DIAMETER)
    found = segmenter(torch.from_numpy(simulated.image).float() / 255, MPP)
    tissue = enlarged(simulated.image)
    caption = "3. The trained segmenter needs no clicks"
    seen = outlines(tissue, found.label[0].numpy())
    return longer([(captioned(tissue, caption), PAUSE // 2), (captioned(seen, caption), FRAME)])


def longer(frames: Sequence[tuple[Picture, int]]) -> list[tuple[Picture, int]]:
    """The frames, the last of which stays."""
    return [*frames[:-1], (frames[-1][0], PAUSE)]


def steps(count: int) -> list[int]:
    """How many of `count` are shown in each of STEPS pictures, all in the last."""
    return [round(count * (step + 1) / STEPS) for step in range(STEPS)]


def enlarged(image: NDArray[np.uint8]) -> Picture:
    """An image (3, H, W) as a picture SCALE times as large."""
    return resize(np.ascontiguousarray(image.transpose(1, 2, 0)), (SIZE[0] * SCALE, SIZE[1] * SCALE))


def outlines(picture: Picture, label: NDArray[np.int32]) -> Picture:
    """The picture with the outlines of a label (H, W) of the image it was enlarged from."""
    ids = enlarge_label(label, SCALE)
    edge = find_boundaries(ids, mode="inner", background=0)
    result = picture.copy()
    result[edge] = COLOURS[ids[edge] % len(COLOURS)]
    return result


def captioned(picture: Picture, text: str) -> Picture:
    """The picture with a line of text below."""
    page = Image.new("RGB", (picture.shape[1], picture.shape[0] + CAPTION), "white")
    page.paste(Image.fromarray(picture))
    font = ImageFont.truetype(font_manager.findfont("DejaVu Sans"), CAPTION // 2)
    ImageDraw.Draw(page).text((8, picture.shape[0] + CAPTION // 5), text, fill="black", font=font)
    return np.asarray(page)


if __name__ == "__main__":
    run_command({"draw": draw_click})

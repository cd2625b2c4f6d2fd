# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""A trained network on disk: `model.pt`, a flat state dict, and `model.json` beside it that says what it is.

The description travels with the weights, because weights in another network, or shown images at another spacing,
segment badly and say nothing.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from torch import nn
from transforms.shapes.area_laws import UniformAreaLaw

from ..files.atomic import write_json
from ..files.image_kinds.spacing import MICROSCOPIC
from ..files.integrity import check_recorded
from ..files.running_config import TARGET
from ..files.untrusted_text import parse_json
from ..files.value_rules import NOTHING, Rule, above, check_value, choice, either, many, number
from ..files.view import LARGEST, Window, stated_window
from ..networks.describe import build_network, check_description
from ..networks.known_networks import KNOWN_NETWORKS
from ..networks.weights import load_weights, save_weights
from .outputs import HoverOutput, Output, build_output
from .segmenter import Segmenter

logger = logging.getLogger(__name__)

FIELDS = {
    "mpp": number(*MICROSCOPIC),
    "diameter": either(above(0, 10_000), NOTHING),
    "channels": choice(1, 3),
    "intensity": either(many(number(-LARGEST, LARGEST), 2, 2), NOTHING),
    "notes": Rule("a JSON object", lambda value: isinstance(value, Mapping)),
}
IMAGE_CHANNELS = 3  # of our networks where a description does not say
IMAGE_ARGUMENTS = ("image_channels", "in_channels")  # of networks: the first that one takes counts the image's channels


@dataclass(frozen=True)
class ModelCard:
    """What a file of weights is; the content of model.json.

    Raises:
        ValueError: mpp or diameter not positive, channels neither 1 nor 3, no network, or an unknown output.
    """

    network: Mapping[str, Any]  # "_target_": dotted name of the class; beside it, its arguments
    mpp: float  # um per px it was trained at
    diameter: float | None = None  # typical object it was trained for, um
    channels: int = 3  # of the image
    notes: Mapping[str, Any] = field(default_factory=dict)  # for people: preset, data set, ...
    intensity: Window | None = None  # stored intensities of 16-bit images that became 0 and 1; None: none was stated
    output: Mapping[str, Any] | None = None  # how its channels are read, as `describe_output`; None: as a hover map

    def __post_init__(self) -> None:
        for name, rule in FIELDS.items():
            check_value(name, getattr(self, name), rule)
        object.__setattr__(self, "intensity", stated_window(self.intensity))
        network = check_description("network", self.network, KNOWN_NETWORKS)
        argument = next(name for name in IMAGE_ARGUMENTS if name in KNOWN_NETWORKS[network])
        taken = self.network.get(argument, IMAGE_CHANNELS)
        if taken != self.channels:
            raise ValueError(
                f"channels is {self.channels}, and {argument} of its network is {taken}: they must be equal"
            )
        if self.output is not None:
            self.build_output()

    def build(self) -> nn.Module:
        """The network, with fresh weights.

        Raises:
            ValueError: there is no such class, or it does not take the arguments.
        """
        return build_network(self.network)

    def build_output(self) -> Output:
        """How the channels are read; ValueError as `build`."""
        return HoverOutput(self.mpp) if self.output is None else build_output(self.output)


def describe_network(network: nn.Module) -> dict[str, Any]:
    """Class and arguments of one of our networks, as a card keeps them.

    Raises:
        ValueError: a network of another kind, which does not keep its `arguments`.
    """
    kind, arguments = type(network), getattr(network, "arguments", None)
    if not isinstance(arguments, Mapping):
        raise ValueError(
            f"{kind.__name__} does not say its arguments: describe it by its configuration"
            " (bundle.inference.network_contract.describe_component)"
        )
    return {TARGET: f"{kind.__module__}.{kind.__qualname__}", **arguments}


def describe_output(output: Output) -> dict[str, Any]:
    """Class and parameters of an output of `bundle.inference.outputs`, as a card keeps them."""
    kind = type(output)
    return {TARGET: f"{kind.__module__}.{kind.__qualname__}", **vars(output)}


@dataclass(frozen=True)
class Model:
    """A network with its trained weights, in evaluation mode, and what is known of it."""

    network: nn.Module
    card: ModelCard


def start_from(network: nn.Module, weights: str | os.PathLike[str] | None, mpp: float) -> nn.Module:
    """Give a network that is to be trained the weights of a trained one, instead of random ones.

    Args:
        network: what will be trained.
        weights: `model.pt`, or the folder that holds it; None or "": the network stays as it is.
        mpp: um per px that it will be trained at; a description beside the weights that says another is warned of.

    Returns:
        The same network.

    Raises:
        FileNotFoundError: the weights are not there.
        ValueError: they are damaged, or those of another network; the message names both.
    """
    if not weights:
        return network
    path = model_path(weights)
    if card_path(path).is_file():
        card = read_card(path)
        if str(card.network[TARGET]).rpartition(".")[2] != type(network).__name__:
            raise ValueError(
                f"{path}: weights of {card.network[TARGET]}, and {type(network).__name__} is to be trained: choose"
                " the variant of that network, or other weights"
            )
        if not math.isclose(card.mpp, mpp, rel_tol=0.05):
            logger.warning("%s was trained at %g um per px and goes on at %g: sizes differ", path, card.mpp, mpp)
    load_weights(network, path)
    logger.info("training starts from %s", path)
    return network


def model_path(path: str | os.PathLike[str]) -> Path:
    """The file of weights: the path itself, or `model.pt` in the folder that it is.

    Raises:
        FileNotFoundError: it is not there.
    """
    path = Path(path)
    path = path / "model.pt" if path.is_dir() else path
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such model: train one first, or name another")
    return path


def smallest_object(diameter: float, mpp: float) -> int:
    """Area, px, of the smallest object that the area law draws for a typical diameter in um; less is no object."""
    law = UniformAreaLaw(diameter / mpp)
    return int(law.smallest * law.typical_area)


def segmenter_of(model: Model, **options: Any) -> Segmenter:
    """The segmenter that a model was trained to be: its spacing, its channels, no object below `smallest_object`.

    Post-processing is the one that belongs to the model's output.

    Args:
        model: network and card.
        options: further arguments of `Segmenter`.
    """
    card = model.card
    options = {"output": card.build_output(), "intensity": card.intensity, "diameter": card.diameter, **options}
    if card.diameter is not None:
        labeller = options["output"].labeller(smallest_object(card.diameter, card.mpp))
        options = {"to_label": labeller, **options}
    return Segmenter(model.network, card.mpp, card.channels, **options)


def model_intensity(weights: str | os.PathLike[str]) -> Window | None:
    """The range of 16-bit intensities that a model was trained with; None where none was stated, or nothing is said."""
    return read_card(weights).intensity if card_path(weights).is_file() else None


def card_path(weights: str | os.PathLike[str]) -> Path:
    """Where the description of a file of weights lies: same name, `.json`."""
    return Path(weights).with_suffix(".json")


def save_model(weights: str | os.PathLike[str], network: nn.Module, card: ModelCard) -> None:
    """Write `weights` and the description beside it; each appears whole or not at all."""
    save_weights(network, Path(weights))
    write_card(weights, card)


def write_card(weights: str | os.PathLike[str], card: ModelCard) -> None:
    """Write the description beside a file of weights."""
    path = card_path(weights)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, asdict(card))


def load_network(path: str | os.PathLike[str]) -> Model:
    """Load a segmenter, or a generator.

    Args:
        path: `model.pt`, or the folder that holds it; for a generator, `generator.pt`.

    Returns:
        The network on the CPU, in evaluation mode, and its card.

    Raises:
        FileNotFoundError: weights or description are not there.
        ValueError: either is damaged, the file is a training checkpoint, or the weights belong to another network.
    """
    path = model_path(path)
    card = read_card(path)
    network = card.build()
    load_weights(network, path)
    return Model(network.eval(), card)


def read_card(weights: str | os.PathLike[str]) -> ModelCard:
    """Read the description beside a file of weights; errors as `load_network`."""
    path = card_path(weights)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file, and {weights} needs it: copy both together")
    check_recorded(path)
    try:
        return ModelCard(**parse_json(path.read_bytes(), only_finite=True))
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: does not describe a model ({error}): copy it again with its weights") from error

# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""CycleTrainer: one update against a plain version, noise, frozen parts, mixed precision."""

from __future__ import annotations

import copy

import pytest
import torch

from bundle.engines.handlers import LossTable
from bundle.networks.parts import activate_hover_map
from transforms.random_streams import generator


def parameters(*networks):
    return [p.detach().clone() for network in networks for p in network.parameters()]


def all_equal(first, second):
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def plain_update(image_generator, mapper, judges, batch, step):
    """The two updates of METHOD section 5 written out: Adam 1e-2, least squares, pools still filling."""
    noise = [generator(0, step, index, 1) for index in range(2)]
    first = image_generator.noise.sample(2, (16, 16), noise)
    second = image_generator.noise.sample(2, (16, 16), noise)
    judge_image, judge_map = judges
    fake = image_generator(batch["hover_map"], first)
    read = mapper(batch["image"])
    back = mapper(fake)
    redrawn = image_generator(activate_hover_map(read), second)
    total = (judge_image(fake) - 1).square().mean() / 2 + (judge_map(activate_hover_map(read)) - 1).square().mean() / 2
    total = total + (redrawn - batch["image"]).abs().mean() + (back - batch["hover_map"]).square().mean()
    gradients = torch.autograd.grad(total, [*image_generator.parameters(), *mapper.parameters()])
    judged = 0.0
    pairs = (judge_image, batch["image"], fake), (judge_map, batch["hover_map"], activate_hover_map(read))
    for judge, real, false in pairs:
        judged = judged + (judge(real) - 1).square().mean() / 2 + judge(false.detach()).square().mean() / 2
    judges_gradients = torch.autograd.grad(judged, [*judge_image.parameters(), *judge_map.parameters()])
    return total, judged, gradients, judges_gradients


class PlainObjective:
    """Adversarial halves, L1 on the image, squared error on the map."""

    def __call__(self, update):
        terms = {
            "image": (update["image_scores"] - 1).square().mean() / 2,
            "map": (update["map_scores"] - 1).square().mean() / 2,
            "cycle": (update["recovered_image"] - update["image"]).abs().mean(),
            "back": (update["recovered_map"] - update["hover_map"]).square().mean(),
        }
        return {**terms, "total": sum(terms.values())}


def test_one_update_equals_the_equations_written_out(tiny):
    trainer = tiny.cycle_trainer(tiny.Stream(epoch_length=1), max_epochs=1, objective=PlainObjective())
    trainer.segmenter.decoder[0].p = 0.0
    networks = [copy.deepcopy(network) for network in trainer.networks.values()]
    total, judged, gradients, judges_gradients = plain_update(*networks[:2], networks[2:], tiny.Stream().batch(0), 0)
    trainer.run()
    output = trainer.state.output
    assert float(output["total"]) == pytest.approx(total.item(), abs=1e-6)
    assert float(output["discriminator_image"] + output["discriminator_mask"]) == pytest.approx(judged.item(), abs=1e-6)
    learned = [p.grad for network in trainer.networks.values() for p in network.parameters()]
    for ours, plain in zip(learned, [*gradients, *judges_gradients], strict=True):
        torch.testing.assert_close(ours, plain, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize(("rates", "moved"), [((1e-2, 0.0), "generators"), ((0.0, 1e-2), "discriminators")])
def test_each_optimizer_moves_its_own_networks_only(tiny, rates, moved):
    trainer = tiny.cycle_trainer(rates=rates, max_epochs=1)
    pairs = {
        "generators": (trainer.generator, trainer.segmenter),
        "discriminators": (trainer.image_discriminator, trainer.mask_discriminator),
    }
    before = {name: parameters(*pair) for name, pair in pairs.items()}
    trainer.run()
    assert {name for name, pair in pairs.items() if not all_equal(before[name], parameters(*pair))} == {moved}


def test_terms_are_named_scalars_without_a_graph(tiny):
    trainer = tiny.cycle_trainer(max_epochs=1)
    trainer.run()
    paper = {"adversarial_image", "adversarial_mask", "cycle", "instance", "point_synthetic", "point_real", "total"}
    assert set(trainer.state.output) == paper | {"discriminator_image", "discriminator_mask"}
    assert all(term.shape == () and not term.requires_grad for term in trainer.state.output.values())


def noises(tiny, batch_size, max_epochs=1):
    """The noise of both halves of every batch of G, those for s and those for F(x), by update."""
    trainer = tiny.cycle_trainer(stream=tiny.Stream(batch_size=batch_size), max_epochs=max_epochs)
    seen = []
    trainer.generator.register_forward_hook(lambda module, inputs, output: seen.extend(inputs[1].chunk(2)))
    trainer.run()
    return seen


def test_noise_depends_on_update_and_index_alone(tiny):
    two, three = noises(tiny, 2), noises(tiny, 3)
    assert all(torch.equal(a, b[:2]) for a, b in zip(two, three, strict=True))
    flat = [noise[index].flatten() for noise in two for index in range(2)]
    assert len(flat) == 16  # 4 updates, 2 halves, 2 images: no two alike, nor related
    assert torch.corrcoef(torch.stack([f[256:] for f in flat])).fill_diagonal_(0).abs().max() < 0.35


def test_noise_is_not_the_streams_randomness(tiny):
    """Trainer and stream may have the same seed."""
    noise = noises(tiny, 2)[0][0, 1].flatten()
    stream = torch.randn(256, generator=generator(0, 0, 0))
    assert torch.corrcoef(torch.stack([noise, stream]))[0, 1].abs() < 0.25


def test_bfloat16_computes_in_half_and_keeps_weights_and_losses_whole(tiny):
    trainer = tiny.cycle_trainer(max_epochs=1, precision="bfloat16")
    seen = set()
    trainer.generator.body[0].register_forward_hook(lambda module, inputs, output: seen.add(output.dtype))
    trainer.run()
    assert seen == {torch.bfloat16}
    assert {p.dtype for network in trainer.networks.values() for p in network.parameters()} == {torch.float32}
    assert all(term.dtype == torch.float32 and term.isfinite() for term in trainer.state.output.values())


def test_sample_images_change_nothing(tiny):
    trainer = tiny.cycle_trainer()
    trainer.segmenter.train()
    state = copy.deepcopy({name: network.state_dict() for name, network in trainer.networks.items()})
    drawn = torch.get_rng_state()
    pictures = trainer.sample_images(tiny.Stream().batch(0))
    assert list(pictures)[:2] == ["hover_map", "synthetic_image"]
    assert all(picture.shape == (2, 3, 16, 16) and not picture.requires_grad for picture in pictures.values())
    assert torch.equal(pictures["synthetic_image"], trainer.sample_images(tiny.Stream().batch(0))["synthetic_image"])
    for name, network in trainer.networks.items():
        assert all_equal(state[name].values(), network.state_dict().values())
    assert trainer.segmenter.training and torch.equal(drawn, torch.get_rng_state())


def test_a_nan_stops_training_by_name(tiny, tmp_path):
    class Broken(PlainObjective):
        calls = 0

        def __call__(self, update):
            self.calls += 1
            terms = super().__call__(update)
            return {**terms, "cycle": terms["cycle"] * (float("nan") if self.calls == 5 else 1)}

    trainer = tiny.cycle_trainer(objective=Broken(), handlers=[LossTable(tmp_path / "losses.csv")])
    with pytest.raises(ValueError, match=r"'cycle' is nan at update 5 \(epoch 2\)"):
        trainer.run()
    assert trainer.state.iteration == 6  # read every third update
    assert len((tmp_path / "losses.csv").read_text().splitlines()) == 2  # header and update 3


def test_a_warm_start_trains_f_and_hands_it_on_to_the_cycle(tiny):
    mapper = tiny.Mapper()
    before = parameters(mapper.encoder, mapper.decoder)
    tiny.segmentation_trainer(network=mapper, max_epochs=1).run()
    warm = parameters(mapper.encoder, mapper.decoder)
    assert not all_equal(before, warm) and all(parameter.requires_grad for parameter in mapper.parameters())
    trainer = tiny.cycle_trainer(segmenter=mapper, rates=(0.0, 0.0), max_epochs=1)
    trainer.run()
    assert all_equal(warm, parameters(trainer.segmenter.encoder, trainer.segmenter.decoder))


class KnownLabels:
    """The stream of `tiny` whose images have a known label, and an objective that keeps what it was given."""

    def __init__(self, tiny):
        self.stream, self.seen = tiny.Stream(epoch_length=1), {}

    def __len__(self):
        return len(self.stream)

    def set_position(self, step):
        self.stream.set_position(step)

    def __iter__(self):
        for batch in self.stream:
            yield batch | {"known_map": batch["hover_map"].flip(3)}

    def objective(self, update):
        self.seen = dict(update)
        return {"total": (update["rebuilt_image"] - update["image"]).abs().mean()}


def test_known_labels_are_painted_beside_the_cycle_with_noise_of_their_own(tiny):
    known = KnownLabels(tiny)
    trainer = tiny.cycle_trainer(known, max_epochs=1, objective=known.objective)
    original = copy.deepcopy(trainer.generator)
    trainer.run()
    noise = [generator(0, 0, index, 1) for index in range(2)]
    drawn = [original.noise.sample(2, (16, 16), noise) for _ in range(3)]
    for name, condition, number in (("synthetic_image", "hover_map", 0), ("rebuilt_image", "known_map", 2)):
        torch.testing.assert_close(known.seen[name], original(known.seen[condition], drawn[number]))
    assert not all_equal(parameters(original), parameters(trainer.generator))


def test_without_known_labels_nothing_is_rebuilt(tiny):
    known = KnownLabels(tiny)
    trainer = tiny.cycle_trainer(known.stream, max_epochs=1, objective=PlainObjective())
    update = trainer._translate(known.stream.batch(0), [generator(0, 0, index, 1) for index in range(2)])
    assert "rebuilt_image" not in update

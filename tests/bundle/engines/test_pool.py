# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""ImagePool: what goes in, what comes out, and what is kept."""

from __future__ import annotations

import ignite.distributed as idist
import pytest
import torch

from bundle.engines.pool import ImagePool, NoPool
from transforms.random_streams import generator


def numbered(first, count):
    """Images (count, 1, 1, 1) that hold their number."""
    return torch.arange(first, first + count, dtype=torch.float32).reshape(count, 1, 1, 1)


def drawn(step, count):
    return [generator(0, step, place) for place in range(count)]


def test_the_first_images_of_every_place_pass_unchanged():
    pool = ImagePool(4)  # two for each of two places
    assert torch.equal(pool(numbered(0, 2), drawn(0, 2)), numbered(0, 2))
    assert torch.equal(pool(numbered(2, 2), drawn(1, 2)), numbered(2, 2))
    assert pool.state_dict()["images"].flatten().tolist() == [0, 2, 1, 3]


def test_no_image_is_lost_or_doubled_but_those_of_the_first_fill():
    """What came out after the fill, and what is stored, is what came in: each once."""
    pool = ImagePool(9)  # four for each of two places
    for step in range(4):
        pool(numbered(2 * step, 2), drawn(step, 2))
    out = [pool(numbered(2 * step, 2), drawn(step, 2)) for step in range(4, 60)]
    kept = pool.state_dict()["images"].flatten().tolist()
    assert sorted(torch.cat(out).flatten().tolist() + kept) == list(range(120))


def test_half_of_the_images_come_from_the_pool_and_from_every_share():
    pool = ImagePool(5)
    for step in range(5):
        pool(numbered(step, 1), drawn(step, 1))
    swapped, shares = 0, set()
    for step in range(5, 405):
        before = pool.state_dict()["images"].flatten().clone()
        new = numbered(step, 1)
        swapped += int(not torch.equal(pool(new, drawn(step, 1)), new))
        shares |= set((before != pool.state_dict()["images"].flatten()).nonzero().flatten().tolist())
    assert 160 < swapped < 240 and shares == set(range(5))  # 200 +- 4 standard deviations


def test_a_place_does_not_depend_on_who_holds_the_others():
    """One process with four places hands out what two processes with two each do."""
    whole, first, second = ImagePool(8), ImagePool(4), ImagePool(4)
    for step in range(30):
        new, places = numbered(4 * step, 4), drawn(step, 4)
        split = torch.cat([first(new[:2], drawn(step, 4)[:2]), second(new[2:], drawn(step, 4)[2:])])
        assert torch.equal(whole(new, places), split)


@pytest.mark.parametrize(("saved_by", "resumed_by"), [(1, 2), (2, 4), (4, 2), (2, 1)])
def test_a_saved_pool_goes_on_alike_in_other_numbers_of_processes(monkeypatch, saved_by, resumed_by):
    """Every process takes its places of all that were saved."""
    pool, restored = ImagePool(8), []
    for step in range(3):
        pool(numbered(4 * step, 4), drawn(step, 4))
    parts = pool.state_dict()["images"].chunk(saved_by)  # as each process holds its own
    for rank in range(resumed_by):
        monkeypatch.setattr(idist, "get_rank", lambda rank=rank: rank)
        monkeypatch.setattr(idist, "get_world_size", lambda: resumed_by)
        restored.append(ImagePool(8))
        restored[-1].load_state_dict({"images": torch.cat(parts)})
    share = 4 // resumed_by
    for step in range(3, 20):
        places = drawn(step, 4)
        out = [
            one(numbered(4 * step + rank * share, share), places[rank * share : (rank + 1) * share])
            for rank, one in enumerate(restored)
        ]
        assert torch.equal(torch.cat(out), pool(numbered(4 * step, 4), drawn(step, 4)))


def test_a_pool_of_another_batch_is_refused(monkeypatch):
    pool = ImagePool(8)
    pool.load_state_dict({"images": torch.zeros(4, 1, 1, 2, 2)})
    with pytest.raises(ValueError, match="4 places in this process, the batch 2 images: resume with the batch size"):
        pool(torch.zeros(2, 1, 2, 2), drawn(0, 2))
    monkeypatch.setattr(idist, "get_world_size", lambda: 3)
    with pytest.raises(ValueError, match="4 places, which 3 processes cannot share"):
        pool.load_state_dict({"images": torch.zeros(4, 1, 1, 2, 2)})


def test_what_comes_out_has_no_graph_and_is_no_view_of_the_pool():
    pool = ImagePool(1)
    image = torch.ones(1, 1, 2, 2, requires_grad=True)
    out = pool(image * 2, drawn(0, 1))
    assert not out.requires_grad
    out.zero_()
    assert torch.equal(pool.state_dict()["images"], torch.full((1, 1, 1, 2, 2), 2.0))


@pytest.mark.parametrize("filled", [0, 1, 2])
def test_a_restored_pool_goes_on_alike(filled):
    pool, restored = ImagePool(4), ImagePool(4)
    for step in range(filled):
        pool(numbered(step, 2), drawn(step, 2))
    restored.load_state_dict(pool.state_dict())
    for step in range(2, 9):
        new = numbered(10 * step, 2)
        assert torch.equal(pool(new, drawn(step, 2)), restored(new, drawn(step, 2)))


def test_no_pool_hands_back_the_newest():
    pool, image = NoPool(), torch.ones(2, 1, 2, 2, requires_grad=True)
    out = pool(image * 3, drawn(0, 2))
    assert torch.equal(out, torch.full((2, 1, 2, 2), 3.0)) and not out.requires_grad
    pool.load_state_dict(pool.state_dict())


def test_bad_sizes():
    with pytest.raises(ValueError, match="pool size is 0"):
        ImagePool(0)
    with pytest.raises(ValueError, match="3 images for each of 1 places"):
        ImagePool(2).load_state_dict({"images": torch.zeros(1, 3, 1, 2, 2)})

# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""ImagePool: what goes in, what comes out, and what is kept."""

from __future__ import annotations

import pytest
import torch

from bundle.engines.pool import ImagePool
from transforms.random import generator


def numbered(first, count):
    """Images (count, 1, 1, 1) that hold their number."""
    return torch.arange(first, first + count, dtype=torch.float32).reshape(count, 1, 1, 1)


def test_the_first_images_pass_unchanged():
    pool = ImagePool(5)
    assert torch.equal(pool(numbered(0, 3), generator(0, 0)), numbered(0, 3))
    assert torch.equal(pool(numbered(3, 2), generator(0, 1)), numbered(3, 2))
    assert pool.state_dict()["images"].flatten().tolist() == [0, 1, 2, 3, 4]


def test_no_image_is_lost_or_doubled_but_those_of_the_first_fill():
    """What came out after the fill, and what is stored, is what came in: each once."""
    pool = ImagePool(5)
    pool(numbered(0, 5), generator(0, 0))
    out = [pool(numbered(5 + 4 * step, 4), generator(0, step)) for step in range(1, 50)]
    gone = torch.cat(out).flatten().tolist()
    kept = pool.state_dict()["images"].flatten().tolist()
    assert sorted(gone + kept) == sorted([*range(5), *range(9, 9 + 4 * 49)])


def test_half_of_the_images_come_from_the_pool_and_from_every_place():
    pool = ImagePool(5)
    pool(numbered(0, 5), generator(0, 0))
    swapped, places = 0, set()
    for step in range(1, 401):
        before = pool.state_dict()["images"].flatten().clone()
        new = numbered(10 + step, 1)
        swapped += int(not torch.equal(pool(new, generator(0, step)), new))
        places |= set((before != pool.state_dict()["images"].flatten()).nonzero().flatten().tolist())
    assert 160 < swapped < 240 and places == set(range(5))  # 200 +- 4 standard deviations


def test_draws_depend_on_the_generator_alone():
    def run():
        pool = ImagePool(3)
        return [pool(numbered(3 * step, 3), generator(7, step)).flatten().tolist() for step in range(20)]

    first = run()
    torch.rand(5)
    assert run() == first


def test_what_comes_out_has_no_graph_and_is_no_view_of_the_pool():
    pool = ImagePool(1)
    image = torch.ones(1, 1, 2, 2, requires_grad=True)
    out = pool(image * 2, generator(0))
    assert not out.requires_grad
    out.zero_()
    assert torch.equal(pool.state_dict()["images"], torch.full((1, 1, 2, 2), 2.0))


@pytest.mark.parametrize("filled", [0, 2, 4])
def test_a_restored_pool_goes_on_alike(filled):
    pool, restored = ImagePool(4), ImagePool(4)
    if filled:
        pool(numbered(0, filled), generator(0))
    restored.load_state_dict(pool.state_dict())
    for step in range(6):
        new = numbered(10 * step + 10, 3)
        assert torch.equal(pool(new, generator(1, step)), restored(new, generator(1, step)))


def test_bad_sizes():
    with pytest.raises(ValueError, match="pool size is 0"):
        ImagePool(0)
    with pytest.raises(ValueError, match="holds 3 images, this one 2"):
        ImagePool(2).load_state_dict({"images": numbered(0, 3)})

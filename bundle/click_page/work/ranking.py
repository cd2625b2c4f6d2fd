# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The images of the page in the order of doubt, found beside it, image by image."""

from __future__ import annotations

from concurrent.futures import Executor, Future

from ..clicks.session import ClickSession
from .doubt import Candidate, Doubts, Looked, settled
from .models import Models


class Ranking:
    """Looks through all images with the model in use when it is asked to.

    Args:
        session: the clicks.
        models: of which one is in use.
        doubts: keeps what was found.
        threads: one thread that models run in; each image is a piece of work of its own, so that others come between.
    """

    def __init__(self, session: ClickSession, models: Models, doubts: Doubts, threads: Executor) -> None:
        self.session, self.models, self.doubts, self.threads = session, models, doubts, threads
        self.found: dict[str, float | None] = {}
        self.said = ""
        self._waiting: list[str] = []
        self._total = 0
        self._work: Future[dict[str, float | None]] | None = None

    @property
    def known(self) -> dict[str, float]:
        """The doubts of the images that were looked through so far."""
        return settled(self.found)

    def words(self) -> dict[str, str]:
        """What is known of each of these images, for a list."""
        nothing = {name for name, value in self.found.items() if value is None}
        return {
            name: f"{'nothing found, ' if name in nothing else ''}doubt {value:.2f}"
            for name, value in self.known.items()
        }

    @property
    def busy(self) -> bool:
        """Whether images are still being looked through."""
        return self._work is not None or bool(self._waiting)

    def begin(self) -> None:
        """Look through all images as they are now; what is known of earlier ones is forgotten."""
        self.found, self._waiting = {}, [state.name for state in self.session.states() if not state.problem]
        self._total = len(self._waiting)
        self.poll()

    def forget(self) -> None:
        """Another model is in use."""
        self.found, self._waiting, self.said = {}, [], ""

    def poll(self) -> None:
        """Go on; to be called often."""
        if self._work is not None and self._work.done():
            self.found |= self._work.result()
            self._work = None
            self.said = self._summary()
        if self._work is None and self._waiting:
            paths, query = self.session.paths(self._waiting.pop(0)), self.models.query()
            self._work = self.threads.submit(
                lambda: self.doubts.looked_through(
                    [Candidate(paths.name, paths.image, Looked.of_files(paths.points, paths.regions))], query
                )
            )
            self.said = f"looking through the images: {self._total - len(self._waiting)} of {self._total}"

    def next_after(self, current: str | None) -> str | None:
        """The image to look at after one: the next in the order of doubt, the first where that is the last or none."""
        known = self.known
        order = sorted(known, key=lambda name: (-known[name], name))
        place = order.index(current) + 1 if current in order else 0
        return order[place % len(order)] if order else None

    def _summary(self) -> str:
        if self._waiting or not self.found:
            return self.said
        known = self.known
        most = max(known, key=lambda name: known[name])
        return f"most in doubt: {most} ({known[most]:.2f}); D shows the images in this order{self._of_nothing()}"

    def _of_nothing(self) -> str:
        count = sum(value is None for value in self.found.values())
        if not count:
            return ""
        return (
            f"; in {count} of {len(self.found)} nothing was found: too faint for the model, or empty (then say so, None"
            " in image)"
        )

# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The images of the page in the order of doubt, found beside it, image by image."""

from __future__ import annotations

from concurrent.futures import Executor, Future

from ..clicks.session import ClickSession
from .doubt import Candidate, Doubts, Looked
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
        self.known: dict[str, float] = {}
        self.said = ""
        self._waiting: list[str] = []
        self._total = 0
        self._work: Future[list[tuple[str, float]]] | None = None

    @property
    def busy(self) -> bool:
        """Whether images are still being looked through."""
        return self._work is not None or bool(self._waiting)

    def begin(self) -> None:
        """Look through all images as they are now; what is known of earlier ones is forgotten."""
        self.known, self._waiting = {}, [state.name for state in self.session.states() if not state.problem]
        self._total = len(self._waiting)
        self.poll()

    def forget(self) -> None:
        """Another model is in use."""
        self.known, self._waiting, self.said = {}, [], ""

    def poll(self) -> None:
        """Go on; to be called often."""
        if self._work is not None and self._work.done():
            self.known |= dict(self._work.result())
            self._work = None
            self.said = self._summary()
        if self._work is None and self._waiting:
            paths, query = self.session.paths(self._waiting.pop(0)), self.models.query()
            self._work = self.threads.submit(
                lambda: self.doubts.ranked(
                    [Candidate(paths.name, paths.image, Looked.of_files(paths.points, paths.regions))], query
                )
            )
            self.said = f"looking through the images: {self._total - len(self._waiting)} of {self._total}"

    def next_after(self, current: str | None) -> str | None:
        """The image to look at after one: the next in the order of doubt, the first where that is the last or none."""
        order = sorted(self.known, key=lambda name: (-self.known[name], name))
        place = order.index(current) + 1 if current in order else 0
        return order[place % len(order)] if order else None

    def _summary(self) -> str:
        if self._waiting or not self.known:
            return self.said
        most = max(self.known, key=lambda name: self.known[name])
        return f"most in doubt: {most} ({self.known[most]:.2f}); D shows the images in this order"

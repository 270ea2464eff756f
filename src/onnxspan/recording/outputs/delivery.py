"""Sending spans somewhere, without the export waiting and without losing one silently.

OpenTelemetry's BatchSpanProcessor drops the oldest spans when its queue is full, throws a
failed batch away and cannot bound its flush; so this queue is onnxspan's own. It holds all
there is (the spans are in memory anyway), begins nothing while an export runs (encoding
would share the interpreter with torch; only a request that was under way is ended), sends a
failed batch again, and says in the end what arrived and what did not.
"""

from __future__ import annotations

import collections
import dataclasses
import re
import threading
import time
from typing import TYPE_CHECKING, Protocol

from onnxspan.recording.call import is_busy
from onnxspan.recording.light_span import readable
from onnxspan.recording.outputs.batches import cut
from onnxspan.recording.suppression import suppress_instrumentation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from opentelemetry.sdk.trace import ReadableSpan

    from onnxspan.recording.light_span import LightSpan

    Kept = ReadableSpan | LightSpan

FIRST_PAUSE = 0.1
"""Seconds before a failed batch is sent again; doubled each time, up to `LONGEST_PAUSE`."""
LONGEST_PAUSE = 2.0
PATIENCE = 3.0
"""Seconds of failures, with never a success, after which the place counts as out of reach."""


class Sender(Protocol):
    """Sends batches to one place; each thread of a delivery has its own."""

    def send(self, batch: list[ReadableSpan]) -> Outcome:
        """Send a batch and wait for the answer; whatever it raises is a failure."""

    def close(self) -> None:
        """Break off what is under way, and let go of connections."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of a batch: no problem, or its reason in words."""

    problem: str = ""
    too_large: bool = False
    """Smaller batches may be taken."""
    final: bool = False
    """Sending it again cannot help: a wrong path, a missing right."""
    of_batch: bool = False
    """The reason is in this batch: others may be taken."""
    after: float = 0.0
    """Seconds for which the place asks to be left alone."""


@dataclasses.dataclass
class Report:
    """What became of the spans that were meant for one place.

    Attributes:
        place: where to, as the user wrote it.
        emitted: spans that were recorded for it.
        delivered: spans whose arrival the place has confirmed.
        problem: why the others did not arrive; empty when all did.
        file: where those others are now.
        resend: options of `onnxspan send` that name the place; empty where it cannot reach it.
    """

    place: str
    emitted: int
    delivered: int
    problem: str = ""
    file: Path | None = None
    resend: str = ""

    @property
    def missing(self) -> int:
        """Spans whose arrival was not confirmed."""
        return self.emitted - self.delivered


class Delivery:
    """A queue of batches to one place, and the threads that empty it.

    Args:
        place: where to, in words.
        connect: makes a sender; called once in each thread.
        threads: how many requests may be under way at once.
        resend: options of `onnxspan send` that name the place.
    """

    def __init__(
        self, place: str, connect: Callable[[], Sender], threads: int = 1, resend: str = ""
    ) -> None:
        self.place = place
        self.resend = resend
        self.emitted = 0
        self.delivered = 0
        self.problem = ""
        self._connect = connect
        self._wanted = threads
        self._threads: list[threading.Thread] = []
        self._senders: list[Sender] = []
        self._waiting: collections.deque[Sequence[Kept]] = collections.deque()
        self._under_way: dict[int, Sequence[Kept]] = {}
        self._refused: list[ReadableSpan] = []
        self._failures = 0
        self._rounds = 0
        self._began = 0.0
        self._not_before = 0.0
        self._hopeless = False
        self._held = False
        self._stopped = False
        self._changed = threading.Condition()

    def hold(self, held: bool) -> None:
        """Begin no further batch (an export runs), or go on."""
        with self._changed:
            self._held = held
            self._changed.notify_all()

    def add(self, spans: Iterable[Kept]) -> None:
        """Take spans to deliver; returns at once."""
        listed = list(spans)
        if not listed:
            return
        with self._changed:
            self.emitted += len(listed)
            self._waiting.append(listed)
            self._changed.notify_all()
            while len(self._threads) < self._wanted:
                # Daemons: a script that ends must not hang on a dead collector.
                thread = threading.Thread(target=self._work, name="onnxspan-delivery", daemon=True)
                self._threads.append(thread)
                thread.start()

    def close(self, timeout: float) -> list[ReadableSpan]:
        """Wait at most `timeout` seconds, then stop; what `wait` and `stop` say."""
        self.wait(timeout)
        return self.stop()

    def wait(self, timeout: float) -> None:
        """Wait until all is delivered, hopeless, or `timeout` seconds have passed."""
        if not self.is_settled_within(timeout):
            with self._changed:
                last = f"; last answer: {self.problem}" if self.problem else ""
                self.problem = f"there was no time to send them all{last}"

    def is_settled_within(self, timeout: float) -> bool:
        """Wait as `wait` does, with no word of what was not delivered; whether all is settled."""
        deadline = time.monotonic() + timeout
        with self._changed:
            self._held = False
            self._changed.notify_all()
            while not self._is_settled() and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)
            return self._is_settled()

    def _is_settled(self) -> bool:
        return self._hopeless or not (self._waiting or self._under_way)

    def stop(self) -> list[ReadableSpan]:
        """Send nothing more.

        Returns:
            The spans whose arrival was not confirmed. One that was under way may have
            arrived all the same.
        """
        with self._changed:
            self._stopped = True
            missing: list[Kept] = [*self._refused]
            missing += [span for batch in self._under_way.values() for span in batch]
            missing += [span for batch in self._waiting for span in batch]
            self._waiting.clear()
            self._under_way.clear()
            senders, self._senders = self._senders, []
            self._changed.notify_all()
        for sender in senders:
            sender.close()
        return [readable(span) for span in missing]

    def _work(self) -> None:
        is_busy.set(True)  # what a sender imports is no step of the script
        me = threading.get_ident()
        try:
            sender = self._connect()
        except Exception as error:
            with self._changed:
                self._note(_failed(error, final=True))
            return
        with self._changed:
            self._senders.append(sender)
        try:
            while (batch := self._take(me)) is not None:
                self._settle(me, batch, _sent(sender, batch))
        except Exception as error:  # a span that cannot be made readable stays under way
            with self._changed:
                self._note(_failed(error, final=True))
                self._hopeless = True
                self._changed.notify_all()

    def _take(self, me: int) -> list[ReadableSpan] | None:
        """The next batch, cut to size; None when there is nothing more to do."""
        while True:
            with self._changed:
                while not self._stopped and (
                    self._held or self._hopeless or not self._waiting or self._pause() > 0
                ):
                    self._changed.wait(self._pause() if self._pause() > 0 else None)
                if self._stopped:
                    return None
                self._began = self._began or time.monotonic()
                self._under_way[me] = spans = self._waiting.popleft()
            first = next(cut(map(readable, spans)))  # not in `add`, which an export waits for
            with self._changed:
                if self._stopped:
                    return None
                self._under_way[me] = first
                if len(first) < len(spans):
                    self._waiting.appendleft(spans[len(first) :])
                    self._changed.notify()
                if not self._held:
                    return first
                # An export began in the meantime.
                self._waiting.appendleft(self._under_way.pop(me))

    def _settle(self, me: int, batch: list[ReadableSpan], outcome: Outcome) -> None:
        with self._changed:
            if self._stopped:
                return
            del self._under_way[me]
            if not outcome.problem:
                self.delivered += len(batch)
                self._failures = 0
            else:
                self._put_back(batch, outcome)
            self._changed.notify_all()

    def _pause(self) -> float:
        """For how many seconds more none of the threads sends anything."""
        return self._not_before - time.monotonic()

    def _put_back(self, batch: list[ReadableSpan], outcome: Outcome) -> None:
        """Keep a failed batch for another try, after a pause."""
        if outcome.too_large and len(batch) > 1:
            half = len(batch) // 2
            self._waiting.extend((batch[:half], batch[half:]))
            return
        self._note(outcome)
        if outcome.final:
            self._refused.extend(batch)
            return
        self._waiting.append(batch)
        if self._pause() <= 0:  # else the batch was under way as another one failed
            self._rounds = 1 if self._failures == 1 else self._rounds + 1
            pause = min(FIRST_PAUSE * 2 ** (self._rounds - 1), LONGEST_PAUSE)
            self._not_before = time.monotonic() + pause
        self._not_before = max(self._not_before, time.monotonic() + min(outcome.after, _MAX_AFTER))

    def _note(self, outcome: Outcome) -> None:
        self.problem = without_credentials(outcome.problem)
        self._failures += 1
        out_of_patience = time.monotonic() - self._began >= PATIENCE
        refuses_all = outcome.final and not outcome.of_batch
        if self.delivered == 0 and (refuses_all or out_of_patience):
            self._hopeless = True
            self._changed.notify_all()


_MAX_AFTER = 3600.0
"""Seconds: nobody waits longer, and a date in the year 9999 is no number that a clock takes."""
_CREDENTIALS = re.compile(r"(?<=//)[^\s/@]*@|\b[^\s/@:]+:[^\s/@]+@(?=[\w.\[])")


def without_credentials(text: str) -> str:
    """A text without the `user:password@` of any address in it."""
    return _CREDENTIALS.sub("", text)


def _sent(sender: Sender, batch: list[ReadableSpan]) -> Outcome:
    with suppress_instrumentation():
        try:
            return sender.send(batch)
        except Exception as error:
            return _failed(error)


def _failed(error: Exception, *, final: bool = False) -> Outcome:
    return Outcome(f"{type(error).__name__}: {error}", final=final)

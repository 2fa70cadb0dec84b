"""The sender: what each webhook has not had yet goes out in order, and its place is on the disk after every message.

One process of a machine sends at a time; the kernel frees the lock of one that dies, and the next goes on from the
place on the disk. What was taken in between goes out again under the same id: at least once, never less.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from ipaddress import ip_network
from typing import Literal

from filelock import FileLock, Timeout
from msgspec import Struct

from ledger.aggregates.configuration.state import Webhook
from ledger.envelope import configuration_id
from ledger.errors import LedgerError
from projections.application.app import App
from projections.maintenance.webhooks.destinations import FILE, Destination, Destinations, Failing
from projections.maintenance.webhooks.messages import Message, of_event
from projections.maintenance.webhooks.network import SECONDS, Network, ReceiverAnswer, post
from projections.maintenance.webhooks.signature import signed_headers
from projections.questions import configuration
from projections.questions.log.event_filter import EventFilter
from projections.questions.log.filtered_events import follow

AT_ONCE = 8  # webhooks that are served at the same time
TURN = 5.0  # seconds until a webhook that has much to send lets the others have their turn
FIRST_WAIT, LONGEST_WAIT = 5.0, 3600.0  # seconds until the next attempt, doubled each time
LONGEST_ASKED = 86_400.0  # seconds that a receiver may ask us to wait
MOST_ATTEMPTS = 80  # in a row that are not taken: two to three days, not counting those when no process sends
EVERY = 1.0  # seconds between two looks
AFTER_FAULT = 10.0  # seconds, so that a disk without room for positions does not make a flood of repetitions

Posts = Callable[[Destination, Message], ReceiverAnswer]
State = Literal["sending", "failing", "parked", "paused", "elsewhere"]

log = logging.getLogger(__name__)


class Round(Struct, frozen=True, kw_only=True):
    """What one look came to: messages that were taken, webhooks that have more to send now, and those that fail."""

    taken: int = 0
    unfinished: int = 0
    failing: int = 0


def state_of(webhook: Webhook, destination: Destination | None) -> State:
    """`elsewhere`: this machine does not have its address."""
    if webhook.paused:
        return "paused"
    if destination is None:
        return "elsewhere"
    if destination.parked is not None:
        return "parked"
    return "failing" if destination.failing is not None else "sending"


class WebhookSender:
    """Sends for one ledger. `moment` are seconds since 1970."""

    def __init__(self, app: App, *, moment: Callable[[], float] = time.time) -> None:
        self._app = app
        self._moment = moment
        self._ending = threading.Event()
        self._destinations = Destinations(app.home)
        networks = networks_of(app.settings.webhook_networks)
        self._posts: Posts = lambda destination, message: attempt(destination, message, networks, moment())

    def run(self) -> None:
        """Sends until `end`. Waits for another process that sends."""
        wait = EVERY
        while not self._ending.wait(wait):
            wait = self.look()

    def look(self) -> float:
        """Sends what is due. In how many seconds to look again."""
        try:
            if self._destinations.exist:
                self._look()
        except (LedgerError, OSError) as error:  # no database, or no room on the disk: what is due waits
            log.warning("webhooks have to wait: %s", getattr(error, "code", None) or type(error).__name__)
            return AFTER_FAULT
        return EVERY

    def end(self) -> None:
        """Ends after the message under way."""
        self._ending.set()

    def once(self) -> Round:
        """One turn of each webhook that is due. Raises what keeps the log from being read. Call it inside `sending`."""
        known = self._destinations.all()
        if not known:
            return Round()
        with self._app.runtime.live().tables.snapshot() as snapshot:
            head = snapshot.as_of.position
            wanted = configuration.webhooks(snapshot, configuration_id(self._app.identity.ledger))
        due = [
            (webhook, destination)
            for webhook in wanted.values()
            if (destination := known.get(webhook.id)) is not None and self._is_due(webhook, destination, head)
        ]
        with ThreadPoolExecutor(AT_ONCE, "tracking-ledger-webhook") as pool:
            turns = list(pool.map(lambda pair: self._turn(pair[0], pair[1], head), due))
        after = self._destinations.all()
        states = [state_of(webhook, after.get(webhook.id)) for webhook in wanted.values()]
        return Round(
            taken=sum(turn.taken for turn in turns),
            unfinished=sum(turn.unfinished for turn in turns),
            failing=states.count("failing") + states.count("parked"),
        )

    def _look(self) -> None:
        with sending(self._app) as alone:
            while alone and not self._ending.is_set() and self.once().unfinished:
                pass

    def _is_due(self, webhook: Webhook, destination: Destination, head: int) -> bool:
        if state_of(webhook, destination) not in ("sending", "failing") or destination.position == head:
            return False
        return destination.failing is None or destination.failing.next_at <= self._moment()

    def _turn(self, webhook: Webhook, destination: Destination, head: int) -> Round:
        if destination.position > head:
            why = f"its position {destination.position} is not in the log any more, which ends at {head}"
            self._destinations.park(destination, why)
            return Round()
        taken, until = 0, time.monotonic() + TURN
        for position, message in self._messages(webhook, destination.position, head):
            if message is not None and not (answer := self._posts(destination, message)).is_taken:
                self._note_refusal(destination, answer)
                return Round(taken=taken)
            taken += message is not None
            advanced = self._destinations.advance(destination, position)
            if advanced is None:  # it was removed, or is to begin elsewhere
                return Round(taken=taken)
            destination = advanced
            if self._ending.is_set() or time.monotonic() > until:
                break
        return Round(taken=taken, unfinished=int(destination.position < head))

    def _messages(self, webhook: Webhook, after: int, head: int) -> Iterator[tuple[int, Message | None]]:
        """What is to be sent, with the position that it leads to; None where what lies before it is not meant."""
        live, ledger = self._app.runtime.live(), self._app.identity.ledger
        wanted = EventFilter(kinds=webhook.kinds, entities=webhook.entities, people=webhook.people)
        for position, line in follow(live.store, live.tables, wanted, after, head):
            yield position, None if line is None else of_event(ledger, webhook.template, line)

    def _note_refusal(self, destination: Destination, answer: ReceiverAnswer) -> None:
        now = self._moment()
        known = destination.failing
        since, attempts = (known.since, known.attempts + 1) if known else (now, 1)
        if answer.is_gone:
            self._destinations.park(destination, "it answered 410: it is gone")
        elif attempts >= MOST_ATTEMPTS:
            self._destinations.park(destination, f"{attempts} attempts in a row were not taken: {answer.why}")
        else:
            next_at = now + waiting(attempts, answer.retry_after)
            failing = Failing(since=since, attempts=attempts, next_at=next_at, why=answer.why)
            self._destinations.fail(destination, failing)


def start_sending(app: App) -> Callable[[], None]:
    """Begins among the jobs of the process: receivers that are slow keep only other webhooks waiting. Call the answer
    to end it, which waits for the message under way."""
    sender = WebhookSender(app)
    job = app.jobs.add(lambda: ("webhooks", app.lane()), sender.look, AFTER_FAULT)
    job.within(EVERY)

    def stop() -> None:
        sender.end()
        job.end(SECONDS + 1)

    return stop


@contextmanager
def sending(app: App) -> Iterator[bool]:
    """Whether this process is the one that sends while this is open; False if another one is."""
    lock = FileLock(app.home / f"{FILE}.sending", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def attempt(destination: Destination, message: Message, networks: tuple[Network, ...], moment: float) -> ReceiverAnswer:
    headers = signed_headers(destination.secrets(moment), message.id, int(moment), message.body)
    return post(destination.url, message.body, {"Content-Type": "application/json", **headers}, networks)


def networks_of(names: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(map(ip_network, names))


def waiting(attempts: int, asked: float | None, chance: Callable[[float, float], float] = random.uniform) -> float:
    """Seconds until the next attempt: doubled each time, half of it by chance, and what the receiver asks for at least.

    >>> [waiting(attempts, None, max) for attempts in (1, 2, 3, 99)]
    [5.0, 10.0, 20.0, 3600.0]
    """
    most = min(FIRST_WAIT * 2 ** min(attempts - 1, 20), LONGEST_WAIT)
    return max(chance(most / 2, most), min(asked or 0.0, LONGEST_ASKED))

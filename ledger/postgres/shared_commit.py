"""Group commit: threads of one process that append at the same time share one transaction.

The first one in leads: it takes what waits, at most MOST, records it in one call, lets the next one that waits lead,
and hands out the verdicts. Those who were recorded together are about to come back together, so a leader looks out for
half as many as are about, COMPANY_SECONDS at most: while one half is recorded the other half decides, and two
transactions for eight cost much less than one for the first and one for the other seven. Once half of them wait while
the other half is recorded, they are sent too: the server goes on with them when it is done, and does not wait until a
thread of this process has its turn. A thread on its own pays nothing.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence

import psycopg

from ledger.envelope import Proposal, Recorded
from ledger.errors import LedgerError, OutcomeUnknown
from ledger.postgres.connection import deadline

MOST = 50  # proposals in one transaction
COMPANY_SECONDS = 0.002  # less than a transaction takes
AT_ONCE = 2  # transactions: one that is recorded, and one that the server takes next

Verdict = Recorded | LedgerError


class _QueuedProposal:
    """One thread's place in the queue. `called` with a verdict, to lead the next group, or else to go on its own.

    `called` is a lock that is held until then: it is called once, and no other thread waits for it.
    """

    def __init__(self, proposal: Proposal) -> None:
        self.proposal = proposal
        self.called = threading.Lock()
        self.called.acquire()
        self.verdict: Verdict | None = None
        self.leads = False


class SharedCommit:
    """`append` records one proposal and raises what refuses it, `append_group` many in one transaction."""

    def __init__(
        self, append: Callable[[Proposal], Recorded], append_group: Callable[[Sequence[Proposal]], list[Verdict]]
    ) -> None:
        self._append = append
        self._append_group = append_group
        self._lock = threading.Lock()
        self._complete = threading.Condition(self._lock)  # notified when as many wait as a leader looks out for
        self._company = 0  # that many followers a leader looks out for
        self._most = MOST  # proposals in one transaction now
        self._waiting: deque[_QueuedProposal] = deque()
        self._leaders = 0
        self._gathers = False  # whether one of them has not sent its group yet
        self._led = 0  # proposals of the leaders and of those they lead

    @property
    def waiting(self) -> int:
        """How many proposals wait for the next transaction."""
        with self._lock:
            return len(self._waiting)

    @property
    def is_led(self) -> bool:
        """Whether a thread records just now."""
        return self._leaders > 0

    def append(self, proposal: Proposal) -> Recorded:
        place = self._enter(proposal)
        if place is not None:
            self._wait(place)
        if place is None or place.leads:
            verdict = self._lead(proposal)
        else:
            verdict = place.verdict or self._append(proposal)
        if isinstance(verdict, LedgerError):
            raise verdict
        return verdict

    def _enter(self, proposal: Proposal) -> _QueuedProposal | None:
        """The place of a thread that has to wait; None for one that leads."""
        with self._lock:
            if self._may_lead(len(self._waiting) + 1):
                self._begin()
                return None
            place = _QueuedProposal(proposal)
            self._waiting.append(place)
            if len(self._waiting) == self._company:
                self._complete.notify()
        return place

    def _may_lead(self, waiting: int) -> bool:
        """Whether so many proposals go now. While a group is being recorded, only a group that is large enough goes."""
        if not self._leaders:
            return True
        return self._leaders < AT_ONCE and not self._gathers and 0 < self._company < waiting

    def _wait(self, place: _QueuedProposal) -> None:
        left = deadline.left()
        try:
            with deadline.waiting():
                is_called = place.called.acquire(timeout=-1 if left is None else left)
            if not is_called:
                raise self._too_late(place)
        except BaseException:  # no thread may wait for one that goes away to lead
            with self._lock:
                if place in self._waiting:
                    self._waiting.remove(place)
                elif place.leads:
                    self._end(1)
            raise

    def _too_late(self, place: _QueuedProposal) -> LedgerError:
        """The error for a thread whose deadline has passed while another thread leads."""
        with self._lock:
            was_sent = place not in self._waiting and not place.leads
        return deadline.given_up("its time is over") if was_sent else deadline.no_time_left()

    def _lead(self, proposal: Proposal) -> Verdict:
        followers: list[_QueuedProposal] = []
        verdicts: list[Verdict | None] = []
        try:
            followers = self._followers()
            verdicts = self._recorded([proposal, *[each.proposal for each in followers]])
        finally:
            self._let_next_lead(1 + len(followers))  # first, so that these decide again while those are recorded
            for n, follower in enumerate(followers, 1):
                follower.verdict = verdicts[n] if verdicts else _unknown()  # should this thread be stopped meanwhile
                follower.called.release()
        return verdicts[0] or self._append(proposal)

    def _followers(self) -> list[_QueuedProposal]:
        with self._lock:
            try:
                if len(self._waiting) < self._company and self._leaders == 1:
                    self._complete.wait_for(lambda: len(self._waiting) >= self._company, COMPANY_SECONDS)
                followers = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._most - 1))]
                self._led += len(followers)
                return followers
            finally:
                self._gathers = False
                self._call_next()

    def _recorded(self, proposals: list[Proposal]) -> list[Verdict | None]:
        """The verdict of each; None for a proposal that its own thread has to append again."""
        if len(proposals) == 1:
            return [self._append(proposals[0])]
        try:
            return [*self._append_group(proposals)]
        except LedgerError as error:
            mine_alone = deadline.is_over()  # the time of this thread's command: the others have their own
            return [_again(error), *(None if mine_alone else _again(error) for _ in proposals[1:])]
        except psycopg.Error:  # one of them is a fault of ours; nothing is recorded
            return [None for _ in proposals]

    def _let_next_lead(self, recorded: int) -> None:
        with self._lock:
            about = min(self._led + len(self._waiting), 2 * MOST)
            half = about // 2
            if half > 1:
                self._company, self._most = half - 1, about - half
            else:  # two or three share a transaction: half of them would be one
                self._company, self._most = half, MOST
            self._end(recorded)

    def _begin(self) -> None:
        self._leaders += 1
        self._led += 1
        self._gathers = True

    def _end(self, led: int) -> None:
        self._leaders -= 1
        self._led -= led
        self._call_next()

    def _call_next(self) -> None:
        if self._waiting and self._may_lead(len(self._waiting)):
            self._begin()
            place = self._waiting.popleft()
            place.leads = True
            place.called.release()


def _again(error: LedgerError) -> LedgerError:
    """The same error for another thread, so that no two share one traceback."""
    copy = type(error)(error.message, next_step=error.next_step, **error.details)
    copy.__cause__ = error.__cause__
    return copy


def _unknown() -> LedgerError:
    return OutcomeUnknown(
        "the thread that recorded this together with others was stopped: it may or may not have happened",
        next_step="repeat it with the same command_id; a command is never recorded twice",
    )

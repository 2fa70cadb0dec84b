"""Which of several hosts leads now: all are asked at the same time, so one that is silent or gone costs nothing.

libpq believes what it is greeted with, and a PgBouncer goes on greeting with what its server said first: a standby that
was promoted stays a standby in its words, and a primary that was replaced a primary. So a host that is to lead is asked
for the word of its server itself, however it greets.
"""

import selectors
import time
from collections.abc import Iterator, Mapping

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq.abc import PGconn

from ledger.libpq.conninfo import effective

OK, FAILED = pq.PollingStatus.OK, pq.PollingStatus.FAILED
READING, WRITING = pq.PollingStatus.READING, pq.PollingStatus.WRITING
LEADS = {"target_session_attrs": "primary"}  # unless something else is wanted
WRITES = ("primary", "read-write")
ANY = {"target_session_attrs": "any"}
AGAIN_SECONDS = 0.5  # between two times that a host is asked
SILENT_SECONDS = 10.0  # for a silent host, while others that follow it can be asked whether they lead by now
ADDRESS = ("host", "hostaddr", "port")
ASKED = b"SELECT pg_catalog.pg_is_in_recovery()"


def leader_first(conninfo: str, seconds: float = 2.0, longest: float = SILENT_SECONDS) -> str:
    """The same hosts, in front the first one that took a connection as it is wanted; as they were if none did.

    Only the one whose server itself says that it leads, where a pooler in front of it says otherwise.
    """
    known = effective(conninfo)  # hosts can be named by a service or a variable as well
    hosts = list(_hosts(known))
    wanted = known["target_session_attrs"]
    if len(hosts) < (1 if wanted in WRITES else 2):
        return conninfo
    given = {**conninfo_to_dict(conninfo), **(LEADS if wanted == "any" else {"target_session_attrs": wanted})}
    as_wanted = [make_conninfo("", **{**given, **host}) for host in hosts]
    asked = [make_conninfo(one, **ANY) for one in as_wanted] if wanted in ("any", *WRITES) else []
    search = _Search(as_wanted, asked)
    try:
        first = search.first(seconds, longest)
    finally:
        search.finish()
    if first >= len(hosts):
        return asked[first - len(hosts)]
    hosts.insert(0, hosts.pop(first))
    return make_conninfo("", **{**given, **{name: ",".join(host[name] for host in hosts) for name in hosts[0]}})


def _hosts(given: Mapping[str, object]) -> Iterator[dict[str, str]]:
    lists = {name: str(given[name]).split(",") for name in ADDRESS if given.get(name)}
    count = max((len(values) for values in lists.values()), default=0)
    for n in range(count):
        yield {name: values[n if len(values) > 1 else 0] for name, values in lists.items()}


class _Search:
    """All hosts at the same time: each is greeted as it is wanted, or else as `asked`, and then asked whether it leads.

    Where nothing is `asked`, the greeting counts. While one is silent the others are asked again and again: one of them
    may be about to lead in its place.
    """

    def __init__(self, wanted: list[str], asked: list[str]) -> None:
        self._conninfos = [*wanted, *asked]
        self._count = len(wanted)
        self._asks = bool(asked)
        self._due = dict.fromkeys(range(self._count), 0.0)  # when to connect, by the place of the connection string
        self._tries: dict[int, PGconn] = {}
        self._states: dict[int, pq.PollingStatus] = {}
        self._following: set[int] = set()

    def first(self, seconds: float, longest: float) -> int:
        """The place of the first one that took a connection or says that it leads; the latter stand behind the others.
        0 if there was none in time.

        Where some follow, that is the `longest` time. Then it raises OperationalError: libpq, which asks one after
        another, would wait for the silent one alone, and believe a greeting that is out of date.
        """
        began = time.monotonic()
        while self._tries or 0.0 in self._due.values():
            now, until = time.monotonic(), began + (longest if self._following else seconds)
            if now > until:
                break
            self._connect(now)
            for n in _ready(self._tries, self._states, min([until, *self._due.values()]) - now):
                if self._go_on(n) == OK:
                    return n
        if self._following:
            silent = f", the rest did not answer within {longest:g} s" if self._tries else ""
            standbys = f"{len(self._following)} of {self._count} are standbys"
            raise psycopg.OperationalError(f"no primary among the hosts: {standbys}{silent}")
        return 0

    def finish(self) -> None:
        for one in self._tries.values():
            one.finish()

    def _connect(self, now: float) -> None:
        for n in [n for n, at in self._due.items() if at <= now]:
            del self._due[n]
            self._tries[n], self._states[n] = pq.PGconn.connect_start(self._conninfos[n].encode()), WRITING

    def _go_on(self, n: int) -> pq.PollingStatus:
        state = _polled(self._tries[n])
        if state == OK and self._asks:
            state = _leads(self._tries[n])
        self._states[n] = state
        if state == FAILED:
            self._fail(n)
        return state

    def _fail(self, n: int) -> None:
        """It is not the one: next it is asked without regard to its greeting, or starts over after a while."""
        failed = self._tries.pop(n)
        was_asked = failed.status == pq.ConnStatus.OK
        failed.finish()
        if was_asked:
            self._following.add(n % self._count)
        if was_asked or n + self._count >= len(self._conninfos):
            self._due[n % self._count] = time.monotonic() + AGAIN_SECONDS
        else:
            self._due[n + self._count] = 0.0


def _leads(one: PGconn) -> pq.PollingStatus:
    """Asks the server that answers behind a connection whether it leads."""
    try:
        if one.transaction_status == pq.TransactionStatus.IDLE:
            one.send_query(ASKED)
            return READING
        one.consume_input()
        if one.is_busy():
            return READING
        answer = one.get_result()
    except psycopg.Error:
        return FAILED
    return OK if answer is not None and answer.get_value(0, 0) == b"f" else FAILED


def _ready(tries: dict[int, PGconn], states: dict[int, pq.PollingStatus], seconds: float) -> list[int]:
    if broken := [n for n, one in tries.items() if one.status == pq.ConnStatus.BAD]:
        return broken
    with selectors.DefaultSelector() as waiting:
        for n, one in tries.items():
            waiting.register(one.socket, selectors.EVENT_READ if states[n] == READING else selectors.EVENT_WRITE, n)
        return [key.data for key, _ in waiting.select(seconds)]


def _polled(one: PGconn) -> pq.PollingStatus:
    return FAILED if one.status == pq.ConnStatus.BAD else pq.PollingStatus(one.connect_poll())

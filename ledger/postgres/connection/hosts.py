"""Which of several hosts leads now: all are asked at the same time, so one that is silent or gone costs nothing.

libpq believes what it is greeted with, and a PgBouncer goes on greeting with what its server said first: a standby that
was promoted stays a standby in its words. So where a host is not greeted as wanted, its server itself is asked.
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
READING = pq.PollingStatus.READING
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
    first = _first(as_wanted, asked, seconds, longest)
    if first >= len(hosts):
        return asked[first - len(hosts)]
    hosts.insert(0, hosts.pop(first))
    return make_conninfo("", **{**given, **{name: ",".join(host[name] for host in hosts) for name in hosts[0]}})


def _hosts(given: Mapping[str, object]) -> Iterator[dict[str, str]]:
    lists = {name: str(given[name]).split(",") for name in ADDRESS if given.get(name)}
    count = max((len(values) for values in lists.values()), default=0)
    for n in range(count):
        yield {name: values[n if len(values) > 1 else 0] for name, values in lists.items()}


def _first(conninfos: list[str], asked: list[str], seconds: float, longest: float) -> int:
    """The place of the first one that took a connection, or whose server, `asked` after that failed, says that it
    leads: those come behind the others. 0 if there was none in time.

    While one is silent the others are asked again and again: one of them may be about to lead in its place. Where some
    follow, that goes on for the `longest` time, and then raises OperationalError: libpq, which asks one after another,
    would wait for the silent one alone.
    """
    every, began = [*conninfos, *asked], time.monotonic()
    again = dict.fromkeys(range(len(conninfos)), 0.0)
    tries: dict[int, PGconn] = {}
    states: dict[int, pq.PollingStatus] = {}
    following: set[int] = set()
    try:
        while tries or 0.0 in again.values():
            now = time.monotonic()
            if now > (until := began + (longest if following else seconds)):
                break
            for n in [n for n, at in again.items() if at <= now]:
                del again[n]
                tries[n], states[n] = pq.PGconn.connect_start(every[n].encode()), pq.PollingStatus.WRITING
            for n in _ready(tries, states, min([until, *again.values()]) - now):
                states[n] = _polled(tries[n])
                if states[n] == OK and n >= len(conninfos):
                    states[n] = _leads(tries[n])
                if states[n] == OK:
                    return n
                if states[n] == FAILED:
                    failed = tries.pop(n)
                    following |= {n} if failed.status == pq.ConnStatus.OK else set()
                    failed.finish()
                    next_one = n + len(conninfos)
                    again |= {next_one: 0.0} if next_one < len(every) else {n % len(conninfos): now + AGAIN_SECONDS}
        if tries and following:
            raise psycopg.OperationalError(_none_leads(len(following), len(conninfos), longest))
        return 0
    finally:
        for one in tries.values():
            one.finish()


def _none_leads(following: int, count: int, seconds: float) -> str:
    return f"of {count} hosts {following} follow another one, and the rest did not answer within {seconds:g} s"


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

"""Which of several hosts leads now: all are asked at the same time, so one that is silent or gone costs nothing."""

import selectors
import time
from collections.abc import Iterator, Mapping

from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq.abc import PGconn

from ledger.libpq.conninfo import effective

OK, FAILED = pq.PollingStatus.OK, pq.PollingStatus.FAILED
READING = pq.PollingStatus.READING
LEADS = {"target_session_attrs": "primary"}  # unless something else is wanted
ADDRESS = ("host", "hostaddr", "port")


def leader_first(conninfo: str, seconds: float = 2.0) -> str:
    """The same hosts, in front the first one that took a connection as it is wanted; as they were if none did."""
    known = effective(conninfo)  # hosts can be named by a service or a variable as well
    hosts = list(_hosts(known))
    if len(hosts) < 2:
        return conninfo
    wanted = {} if known["target_session_attrs"] != "any" else LEADS
    given = {**wanted, **conninfo_to_dict(conninfo)}
    first = _first([make_conninfo("", **{**given, **host}) for host in hosts], seconds)
    hosts.insert(0, hosts.pop(first))
    return make_conninfo("", **{**given, **{name: ",".join(host[name] for host in hosts) for name in hosts[0]}})


def _hosts(given: Mapping[str, object]) -> Iterator[dict[str, str]]:
    lists = {name: str(given[name]).split(",") for name in ADDRESS if given.get(name)}
    count = max((len(values) for values in lists.values()), default=0)
    for n in range(count):
        yield {name: values[n if len(values) > 1 else 0] for name, values in lists.items()}


def _first(conninfos: list[str], seconds: float) -> int:
    """The place of the first one that took a connection; 0 if none did in time."""
    until = time.monotonic() + seconds
    tries = {n: pq.PGconn.connect_start(conninfo.encode()) for n, conninfo in enumerate(conninfos)}
    started = list(tries.values())
    try:
        states = dict.fromkeys(tries, pq.PollingStatus.WRITING)
        while tries and (left := until - time.monotonic()) > 0:
            for n in _ready(tries, states, left):
                states[n] = _polled(tries[n])
                if states[n] == OK:
                    return n
                if states[n] == FAILED:
                    del tries[n]
        return 0
    finally:
        for one in started:
            one.finish()


def _ready(tries: dict[int, PGconn], states: dict[int, pq.PollingStatus], seconds: float) -> list[int]:
    if broken := [n for n, one in tries.items() if one.status == pq.ConnStatus.BAD]:
        return broken
    with selectors.DefaultSelector() as waiting:
        for n, one in tries.items():
            waiting.register(one.socket, selectors.EVENT_READ if states[n] == READING else selectors.EVENT_WRITE, n)
        return [key.data for key, _ in waiting.select(seconds)]


def _polled(one: PGconn) -> pq.PollingStatus:
    return FAILED if one.status == pq.ConnStatus.BAD else pq.PollingStatus(one.connect_poll())

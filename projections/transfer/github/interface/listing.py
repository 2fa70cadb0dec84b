"""All that changed in a list since a time, also if the list changes while it is read.

The list is sorted by the time of change, so what changes meanwhile moves to its end and everything behind it moves up
by one place: a reader of numbered pages would miss what crosses from one page to the one before. So each further page
is asked for by time. Only where more than a page changed in one second the pages of that second are followed by their
links, and read again until nothing new is in them.
"""

import hashlib
from datetime import timedelta

import msgspec

from ledger.values.moment import parse
from projections.transfer.github.interface.api import PAGE, GithubAnswer, GithubClient
from projections.transfer.github.interface.issues import Record
from projections.transfer.github.interface.last_run import Cursor

OVERLAP = timedelta(seconds=60)  # that is read again next time: a server may show a change later than another one
SETTLED = timedelta(minutes=5)  # after which no change of that time is still to appear
SECOND = timedelta(seconds=1)
MOST_READINGS = 10  # of a second in which more and more changes; what is missed then is in the overlap of the next run

Found = dict[int, Record]  # by id


def changed(api: GithubClient, path: str, cursor: Cursor, **params: str) -> tuple[Found, Cursor]:
    """The records that changed, and the cursor after them."""
    found: Found = {}
    since, etag, readings = cursor.since, cursor.etag, 0
    while True:
        answer = api.page(path, etag, **_query(since, params))
        if answer.unchanged:
            return {}, cursor
        alone = answer.etag if answer.following is None and since == cursor.since else None
        body, crowded = list(answer.body), False
        newest = _newest(body)
        if answer.following is not None and not _moves_on(since, newest):
            body, crowded = _crowd(api, answer.following, body, since), True
            newest = _newest(body)
        news = _add(found, body)
        etag, readings = None, readings + crowded
        is_read = not crowded or not news or readings == MOST_READINGS
        if answer.following is None or (is_read and not _moves_on(since, newest)):
            return _unseen(found, cursor), _after(found, cursor, answer, alone)
        if is_read:
            since, readings = _stamp(newest, SECOND), 0


def _query(since: str | None, params: dict[str, str]) -> dict[str, object]:
    begin = {"since": since} if since else {}
    return {**params, **begin, "sort": "updated", "direction": "asc", "per_page": PAGE}


def _crowd(api: GithubClient, following: str | None, body: list[Record], since: str | None) -> list[Record]:
    """The pages of one second, up to the first that leaves it."""
    while following is not None and not _moves_on(since, _newest(body)):
        answer = api.page(following)
        body, following = body + list(answer.body), answer.following
    return body


def _moves_on(since: str | None, newest: str | None) -> bool:
    return newest is not None and (since is None or _stamp(newest, SECOND) > since)


def _add(found: Found, body: list[Record]) -> bool:
    news = [record for record in body if record != found.get(record["id"])]
    found |= {record["id"]: record for record in news}
    return bool(news)


def _unseen(found: Found, cursor: Cursor) -> Found:
    return {number: record for number, record in found.items() if cursor.seen.get(number) != _print(record)}


def _after(found: Found, cursor: Cursor, answer: GithubAnswer, etag: str | None) -> Cursor:
    """Asked again from a while before the newest change; from behind it once that lies back and all of it is known."""
    newest = _newest(list(found.values()))
    if newest is None:
        return Cursor(since=cursor.since, seen=cursor.seen, etag=etag)
    known = not _unseen(found, cursor) and answer.date is not None and answer.date > parse(newest) + SETTLED
    since = max(_stamp(newest, -SECOND if known else OVERLAP), cursor.since or "")
    seen = {number: _print(record) for number, record in found.items() if record["updated_at"] >= since}
    return Cursor(since=since, seen=seen, etag=etag if since == cursor.since else None)


def _print(record: Record) -> str:
    """Two changes can have one time, which is in whole seconds."""
    return hashlib.sha256(msgspec.json.encode(record, order="deterministic")).hexdigest()[:16]


def _newest(body: list[Record]) -> str | None:
    return max((record["updated_at"] for record in body), default=None)


def _stamp(at: str | None, back: timedelta) -> str:
    assert at is not None, "a page that is followed by another one is not empty"
    return (parse(at) - back).strftime("%Y-%m-%dT%H:%M:%SZ")

"""What changed in a list since a time, whole, also while it changes under the reader.

The list is sorted by the time of change, so what changes meanwhile moves to its end and everything behind it moves up
by one place: a reader of numbered pages would miss what crosses from one page to the one before. So each further page
is asked for by time. Only where more than a page changed in one second the pages of that second are followed by their
links, and read again until nothing new is in them.
"""

from datetime import timedelta

from ledger.values.moment import parse
from projections.transfer.github.api import PAGE, Api
from projections.transfer.github.issues import Record
from projections.transfer.github.saved import Cursor

OVERLAP = timedelta(seconds=60)  # that is read again next time: a server may show a change later than another one
SECOND = timedelta(seconds=1)

Found = dict[int, Record]  # by id


def changed(api: Api, path: str, cursor: Cursor, **params: str) -> tuple[Found, Cursor]:
    """The records that changed, and the cursor after them."""
    found: Found = {}
    since, etag = cursor.since, cursor.etag
    while True:
        answer = api.get(path, etag, **_asked(since, params))
        if answer.unchanged:
            return {}, cursor
        alone = answer.etag if answer.following is None and since == cursor.since else None
        body, crowded = list(answer.body), False
        newest = _newest(body)
        if answer.following is not None and not _moves_on(since, newest):
            body, crowded = _crowd(api, answer.following, body, since), True
            newest = _newest(body)
        news = _add(found, body)
        following, etag = answer.following, None
        if following is None or (crowded and not news and not _moves_on(since, newest)):
            return _unseen(found, cursor), _after(found, cursor, alone)
        if not crowded or not news:
            since = _stamp(newest, SECOND)


def _asked(since: str | None, params: dict[str, str]) -> dict[str, object]:
    begin = {"since": since} if since else {}
    return {**params, **begin, "sort": "updated", "direction": "asc", "per_page": PAGE}


def _crowd(api: Api, following: str | None, body: list[Record], since: str | None) -> list[Record]:
    """The pages of one second, up to the first that leaves it."""
    while following is not None and not _moves_on(since, _newest(body)):
        answer = api.get(following)
        body, following = body + list(answer.body), answer.following
    return body


def _moves_on(since: str | None, newest: str | None) -> bool:
    return newest is not None and (since is None or _stamp(newest, SECOND) > since)


def _add(found: Found, body: list[Record]) -> bool:
    news = [record for record in body if record["updated_at"] != found.get(record["id"], {}).get("updated_at")]
    found |= {record["id"]: record for record in news}
    return bool(news)


def _unseen(found: Found, cursor: Cursor) -> Found:
    return {number: record for number, record in found.items() if cursor.seen.get(number) != record["updated_at"]}


def _after(found: Found, cursor: Cursor, etag: str | None) -> Cursor:
    newest = _newest(list(found.values()))
    if newest is None:
        return Cursor(since=cursor.since, seen=cursor.seen, etag=etag)
    since = max(_stamp(newest, OVERLAP), cursor.since or "")
    times = cursor.seen | {number: record["updated_at"] for number, record in found.items()}
    seen = {number: at for number, at in times.items() if at >= since}
    return Cursor(since=since, seen=seen, etag=etag if since == cursor.since else None)


def _newest(body: list[Record]) -> str | None:
    return max((record["updated_at"] for record in body), default=None)


def _stamp(at: str | None, back: timedelta) -> str:
    assert at is not None, "a page that is followed by another one is not empty"
    return (parse(at) - back).strftime("%Y-%m-%dT%H:%M:%SZ")

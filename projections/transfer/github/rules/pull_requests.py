"""Pull requests that say which issues they close: attached to the items of those."""

import re
from collections.abc import Iterable, Iterator, Mapping

from ledger.aggregates.decider import Decided
from ledger.aggregates.work_item.imported.source_state import CATEGORY, source_state
from ledger.annotation.events import AttachmentAdded
from ledger.envelope import stream_id
from ledger.importing.readers.trackers.hosted.github import SOURCE
from ledger.values.moment import parse, text
from ledger.world import World
from projections.transfer.github.interface.issues import Record, author_of

_CLOSES = re.compile(
    r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+(?:([\w.-]+/[\w.-]+))?#([0-9]{1,15})\b", re.IGNORECASE
)

Closing = list[tuple[str, Record]]  # the id of an item, and a pull request


def closing(pulls: Iterable[Record], linked: Mapping[int, str], repository: str) -> Closing:
    """`linked` are the items by the numbers of their issues."""
    return [(linked[number], pull) for pull in pulls for number in _closed_by(pull, repository) if number in linked]


def attached(found: Closing, world: World) -> Decided:
    """What is recorded of them. One that was attached before and removed here stays removed."""
    world.look(stream_id(CATEGORY, item_id) for item_id, _ in found)
    return [
        (stream_id(CATEGORY, item_id), _attachment(pull), author_of(pull), parse(pull["updated_at"]))
        for item_id, pull in {(item_id, pull["html_url"]): (item_id, pull) for item_id, pull in found}.values()
        if pull["html_url"] not in source_state(item_id, SOURCE, world).attachments
        and pull["html_url"] not in world.state(CATEGORY, item_id).attachments
    ]


def _closed_by(pull: Record, repository: str) -> Iterator[int]:
    for found in _CLOSES.finditer(pull.get("body") or ""):
        if (found[1] or repository).lower() == repository.lower():
            yield int(found[2])


def _attachment(pull: Record) -> AttachmentAdded:
    at = text(parse(pull["updated_at"]))
    return AttachmentAdded(url=pull["html_url"], kind="pull_request", by=author_of(pull), at=at, name=pull["title"])

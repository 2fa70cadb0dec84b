"""Commands for an outbox, and a process that puts a hundred of them into one."""

import sys
from pathlib import Path
from uuid import uuid5

import msgspec

from ledger.aggregates.conflict.events import Base
from ledger.offline.queue.outbox import Outbox
from ledger.offline.queue.outbox_lines import Queued, QueuedEvent
from tests.support.given import FIRST_DAY, LEDGER, numbered

STREAM = f"work_item-{numbered(1)}"


def queued(sequence: int, title: str = "One", stream: str = STREAM) -> Queued:
    event = QueuedEvent(
        stream_id=stream,
        version=1,
        type="WorkItemCreated",
        schema=1,
        data=msgspec.Raw(msgspec.json.encode({"item_type": "task", "title": title})),
        by="somebody",
        occurred_at=FIRST_DAY,
    )
    return Queued(
        sequence=sequence,
        command_id=uuid5(LEDGER, str(sequence)),
        command="CreateWorkItem",
        command_schema=1,
        command_digest="00",
        arguments={"title": title},
        by="somebody",
        occurred_at=FIRST_DAY,
        as_of=0,
        bases={stream: Base(version=0)},
        events=(event,),
    )


def queue_a_hundred() -> None:
    """Its words: the folder of the outbox, and the title of what is queued."""
    folder, title = sys.argv[1:]
    outbox = Outbox(Path(folder))
    for _ in range(100):
        with outbox.locked():
            outbox.append(queued(outbox.sequence + 1, title=title))

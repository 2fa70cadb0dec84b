"""Texts are erased for good: from the log and its rows, from every copy on this machine, and from those of others."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from msgspec.structs import replace

from ledger.aggregates.erasure.events import ErasedPayload
from ledger.aggregates.work_item.commands import CreateWorkItem, UpdateWorkItem
from ledger.aggregates.work_item.events import WorkItemRevised
from ledger.codec import is_erased
from ledger.envelope import stream_id
from ledger.errors import LostRace, Refused
from ledger.postgres.connection.database import Database
from ledger.values.revision import Change
from projections.tables import replay
from projections.tables.replay import check
from tests.support.erasures import erase, tables_holding
from tests.support.given import numbered
from tests.support.ledgers import Ledger, on_postgres, proposal

SECRET = "Xylophon"
ITEM, OTHER = numbered(1), numbered(2)
STREAM = stream_id("work_item", ITEM)


@pytest.fixture
def ledger(dsn: str) -> Iterator[Ledger]:
    database = Database(dsn)
    ledger = on_postgres(database, uuid4())
    ledger.execute(1, CreateWorkItem(id=ITEM, item_type="task", title=f"{SECRET} one", tags=(SECRET.lower(),)))
    ledger.execute(2, CreateWorkItem(id=OTHER, item_type="task", title="Another"))
    ledger.execute(3, UpdateWorkItem(id=ITEM, expected=1, fields={"description": f"More of the {SECRET}"}))
    yield ledger
    database.close()


@pytest.mark.processes
def test_an_erasure_changes_the_payloads_it_names_and_nothing_else(ledger: Ledger, owner_dsn: str) -> None:
    before = list(ledger.store.read_all())

    erase(ledger, owner_dsn, STREAM)

    *after, erasure = ledger.store.read_all()
    assert erasure.type == "TextsErased"
    assert [is_erased(event.data) for event in after] == [True, False, True]
    assert [replace(event, data=b"") for event in after] == [replace(event, data=b"") for event in before]
    assert after[1] == before[1]
    assert SECRET not in str(after)


@pytest.mark.processes
def test_the_chain_is_proved_where_it_is_stored_and_goes_on(ledger: Ledger, owner_dsn: str) -> None:
    erase(ledger, owner_dsn, STREAM)
    ledger.execute(4, UpdateWorkItem(id=ITEM, expected=2, fields={"title": "Afterwards"}))

    with psycopg.connect(owner_dsn) as owner:
        owner.execute("INSERT INTO tracking_ledger.ledger_members VALUES (%s, session_user)", [ledger.store.ledger])
        wrong = owner.execute("SELECT tracking_ledger.prove_events(%s, 0, 5)", [ledger.store.ledger]).fetchall()

    assert wrong == [(None,)]
    assert [event.type for event in ledger.store.read_all()][-1] == "WorkItemRevised"


@pytest.mark.processes
def test_no_row_says_the_texts_once_the_erasure_is_recorded_for_every_caller(ledger: Ledger, owner_dsn: str) -> None:
    """A killed operation leaves nothing that still answers with them: rows are rebuilt before they serve again."""
    erase(ledger, owner_dsn, STREAM)

    with ledger.tables.snapshot() as snapshot:
        assert snapshot.as_of.position == 4
    assert check(ledger.store, ledger.tables).equal
    assert tables_holding(owner_dsn, ledger.store.ledger, SECRET) == []


@pytest.mark.processes
def test_a_command_that_was_decided_before_the_erasure_does_not_bring_the_texts_back(
    ledger: Ledger, owner_dsn: str
) -> None:
    """Its change quotes what stood there, and the versions that it was decided on are those of now."""
    late = ledger.handler.world(by="bob")
    late.look([STREAM])
    quoting = late.state_of(STREAM).description
    assert SECRET in quoting
    erase(ledger, owner_dsn, STREAM)
    with ledger.tables.snapshot():
        pass

    fact = WorkItemRevised(changes={"description": Change(quoting, "shorter")})
    with pytest.raises(LostRace):
        ledger.store.append(
            proposal(ledger.store, UpdateWorkItem(id=ITEM, expected=2), (STREAM, 3, fact), number=9, as_of=late.as_of)
        )
    ledger.execute(10, UpdateWorkItem(id=ITEM, expected=2, fields={"description": "shorter"}))

    assert SECRET not in str(list(ledger.store.read_all()))


@pytest.mark.processes
def test_a_replay_that_was_under_way_begins_again(
    ledger: Ledger, owner_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has folded the texts, and what it folds last is their erasure."""
    folded_until = replay.folded_until

    def erased_after_that(*arguments: Any, **more: Any) -> Any:
        monkeypatch.undo()
        folded = folded_until(*arguments, **more)
        erase(ledger, owner_dsn, STREAM)
        return folded

    monkeypatch.setattr(replay, "folded_until", erased_after_that)

    report = replay.replay(ledger.store, ledger.tables)

    assert report.as_of == 4
    assert check(ledger.store, ledger.tables).equal
    assert tables_holding(owner_dsn, ledger.store.ledger, SECRET) == []


def test_only_the_owner_of_the_log_erases(ledger: Ledger, dsn: str) -> None:
    before = list(ledger.store.read_all())

    with pytest.raises(Refused, match="may not erase texts") as refused:
        erase(ledger, dsn, STREAM)

    assert "LEDGER_ADMIN_DSN" in refused.value.next_step
    assert list(ledger.store.read_all()) == before


@pytest.mark.parametrize(
    "payload",
    [
        ErasedPayload(position=1, data='{"erased":"' + "0" * 64 + '","item_type":"task","title":"forged"}'),
        ErasedPayload(position=1, data='{"item_type":"task","title":"forged"}'),
        ErasedPayload(position=99, data='{"erased":"' + "0" * 64 + '"}'),
    ],
)
def test_an_erasure_that_says_something_else_than_was_recorded_is_refused_whole(
    ledger: Ledger, owner_dsn: str, payload: ErasedPayload
) -> None:
    before = list(ledger.store.read_all())

    with pytest.raises(Exception, match=r"append-only|does not follow|another"):
        erase(ledger, owner_dsn, STREAM, (payload,))

    assert list(ledger.store.read_all()) == before


@pytest.mark.processes
def test_the_owner_becomes_no_member_by_it(ledger: Ledger, owner_dsn: str) -> None:
    members = "SELECT member FROM tracking_ledger.ledger_members WHERE ledger_id = %s"
    with psycopg.connect(owner_dsn) as owner:
        before = owner.execute(members, [ledger.store.ledger]).fetchall()

        erase(ledger, owner_dsn, STREAM)

        assert owner.execute(members, [ledger.store.ledger]).fetchall() == before


def test_a_payload_that_says_it_is_erased_is_not_appended_by_a_writer(ledger: Ledger, dsn: str) -> None:
    data = json.dumps({"erased": "0" * 64, "item_type": "task", "title": "never"}, separators=(",", ":"))

    with (
        psycopg.connect(dsn) as writer,
        pytest.raises(psycopg.errors.InsufficientPrivilege, match="only the owner of the log may erase"),
    ):
        writer.execute(
            "SELECT * FROM tracking_ledger.append_events(%s, gen_random_uuid(), 'CreateWorkItem', '', '{}', '{}',"
            " 0, NULL, NULL, NULL, 0, NULL, NULL, '{}', %s, '{1}', '{WorkItemCreated}', '{1}', '{"
            "}', '{eve}',"
            " '{2026-11-29T10:00:00Z}', %s, '{}', '{}', '{}', '{}', '{}', '{}', '{}', '', NULL, NULL, NULL)",
            [ledger.store.ledger, [stream_id("work_item", numbered(5))], data],
        )

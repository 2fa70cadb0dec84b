"""What a store says when it cannot record: one sentence a situation, whichever store it is.

Each takes what the store found out, by name: the fields of the error's detail in PostgreSQL.
"""

from typing import Any

from ledger.errors import (
    CommandIdReused,
    Damaged,
    Diverged,
    LeaseMoved,
    LedgerClosed,
    LedgerError,
    LedgerFull,
    LostRace,
    NotFound,
    NotUnique,
    ReadModelBehind,
    Refused,
    Unavailable,
    VersionConflict,
)


def version_conflict(**found: Any) -> LedgerError:
    """Takes stream_id, expected and actual."""
    return VersionConflict(
        f"{found['stream_id']} is at version {found['actual']}, not {found['expected']}: read it again and retry",
        next_step="read it again and repeat the change if it is still wanted",
        **found,
    )


def lost_race(**found: Any) -> LedgerError:
    """Takes position, type and topics of the event that came between."""
    return LostRace("something that the decision looked at changed meanwhile", **found)


def command_id_reused(**found: Any) -> LedgerError:
    """Takes command_id and first_position."""
    return CommandIdReused(
        f"command id {found['command_id']} was recorded with other arguments at position {found['first_position']}",
        next_step="send a new command_id for another command",
        **found,
    )


def ledger_closed(**found: Any) -> LedgerError:
    """Takes reason and successor."""
    reason, successor = found["reason"], found.get("successor")
    if reason == "archived":
        return LedgerClosed("this ledger is archived", next_step="open it with `tracking-ledger ledgers open`", **found)
    if reason == "moving":
        return Unavailable(
            "this ledger is moving to another database, which takes a few seconds",
            next_step="try again; if the move was interrupted, repeat `tracking-ledger ledgers move`",
            **found,
        )
    if reason == "arriving":
        return Unavailable(
            f"this ledger is on its way to this database, from {successor}",
            next_step="try again when it is there; if the move was interrupted, repeat it where it was begun",
            **found,
        )
    where = f"; it went to {successor}" if successor else ""
    is_embedded = successor == "embedded"
    step = "unset LEDGER_DSN: it is on the embedded server" if is_embedded else "set LEDGER_DSN to where it is now"
    return LedgerClosed(f"this ledger is closed: {reason}{where}", next_step=step, **found)


def ledger_full(**found: Any) -> LedgerError:
    """Takes ledger, name, events, most_events and more."""
    return LedgerFull(
        f"ledger {found['name']} ({found['ledger']}) has {found['events']} events of the {found['most_events']} that it"
        f" may have, and this needs {found['more']} more",
        next_step="ask the owner of the database for a higher limit,"
        f" `tracking-ledger ledgers quota {found['ledger']} EVENTS`, or go on in a new ledger",
        **found,
    )


def not_a_member(**found: Any) -> LedgerError:
    """Takes ledger and role."""
    return NotFound(
        f"this database has no ledger {found['ledger']} for the role {found['role']}",
        next_step="run `tracking-ledger init`, or ask its administrator to make the role a member",
        **found,
    )


def not_unique(**found: Any) -> LedgerError:
    """Takes relation, target and the id of the entity that has it."""
    return NotUnique(
        f"{found['relation'].replace('_', ' ')} {found['target']!r} is taken by {found['id']}",
        next_step="use another value, or change the entity that has it",
        **found,
    )


def read_model_behind(**found: Any) -> LedgerError:
    return ReadModelBehind("a read model must be brought up to the log first", **found)


def lease_moved(**found: Any) -> LedgerError:
    """Takes now, not_before and not_after."""
    return LeaseMoved("by the ledger's time the lease has changed", next_step="try again", **found)


def does_not_follow(**found: Any) -> LedgerError:
    """Takes position and expected."""
    return Damaged(
        f"the event at position {found['position']} does not follow position {found['expected'] - 1} of this ledger",
        next_step="use a copy that is complete; nothing was recorded",
        **found,
    )


def another_history(**found: Any) -> LedgerError:
    """Takes ledger, origin and wanted."""
    return Refused(
        f"ledger {found['ledger']} has the history of {found['origin']} in this database, not of {found['wanted']}",
        next_step="restore .ledger/ledger.json as it was, or work with another database",
        rule="another_history",
        items=[],
        **found,
    )


def lost_history(**found: Any) -> LedgerError:
    """Takes position and head."""
    return Diverged(
        f"position {found['position']} was written or shown, and the database, which ends at position {found['head']},"
        " does not hold it: it lost history",
        next_step="see `tracking-ledger doctor`; nothing was recorded",
        **found,
    )


def append_only(**_: Any) -> LedgerError:
    return Refused("events are append-only", rule="append_only", items=[], next_step="record a new event instead")

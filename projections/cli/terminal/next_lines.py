"""The line to type after a refusal: what the operation advises, in words of the command line, and one command."""

import re
from collections.abc import Mapping
from typing import Any

import click

from ledger.errors import LedgerError

NO_NAMES: Mapping[str, str] = {}
PROGRAM = "tracking-ledger"
WORDS = {  # what a refusal says of operations and their arguments -> what is typed here
    "send force=true with a reason": "repeat it with --force --reason TEXT",
    "update_work_item changes it all the same with force=true and a reason": "tracking-ledger edit and"
    " tracking-ledger delete change it all the same with --force --reason TEXT",
    "send all_or_nothing=false": "use --skip-refused",
    "send only_untouched=true": "repeat it with --only-untouched",
    "send cascade=true to delete them with it": "repeat it with --cascade",
    "send the token that claiming it answered": "name the token with --token",
    "claim it (action claim)": "start it",
    "claim it again (action claim)": "start it again",
    "give a claim back (action release)": "give a claim back with tracking-ledger stop",
    "claim this one when": "start this one when",
    "action next takes": "tracking-ledger next takes",
    "make it active first, if": "make it active with tracking-ledger unblock first, if",
    "restore it first with deleted=false": "undo its deletion first",
    "archive_work_items with action restore and id": "tracking-ledger restore",
    "see sync_state": "see tracking-ledger conflicts",
    "sync_state shows": "tracking-ledger conflicts shows",
    "with resolve_conflict": "with tracking-ledger resolve",
    "query_history and changes_since show": "tracking-ledger log shows",
    "query_history shows": "tracking-ledger history shows",
    "query_history of": "tracking-ledger history of",
    "or list all with query_vendor_status": "or list all with tracking-ledger vendors",
    "correct the named fields and send it again": "correct what is named, and repeat it",
    "send a new command_id": "leave --command-id out, or name a new one",
}
OF_TOOLS = re.compile(r"^\w+ reads an? ")  # what a refusal says of a reference of another kind
POINT = "must be a position or a time like 2026-11-22T15:00:00Z"
ARGUMENTS = {"diff": {"diff_from": "FROM", "as_of": "TO"}, "effort": {"minutes": "TIME"}}  # no options, other names
LISTS = {"ledgers": "ledgers list", "resolve": "conflicts"}  # what lists what a command is about, where no item is
LISTS_OF = {"d": "deployments", "e": "call list_enhancements", "v": "vendors", "x": "conflicts"}  # by a reference
OF_RULE = {  # of a refusal
    "archived": "restore {ref}",
    "claimed": "show {ref}",
    "deleted": "undo {ref}",
    "lease_expired": "start {ref}",
    "later_changes": "undo {ref} --version {version}",
    "not_claimed": "start {ref}",
    "not_ready": "ready",
    "not_the_author": "comment {ref} TEXT",
    "nothing_to_undo": "log",
    "parent_archived": "restore {ref}",
    "resolved": "conflicts",
    "status_transition": "unblock {ref}",
    "unsuitable_database": "doctor",
    "waits_for": "conflicts",
    "withdrawn": "history {ref}",
}
OF_CODE = {
    "damaged": "doctor",
    "diverged": "doctor",
    "forbidden": "doctor",
    "invalid": "{command} --help",
    "ledger_closed": "ledgers list",
    "ledger_full": "ledgers list",
    "no_ledger": "init",
    "not_found": "list --with-finished",
    "not_unique": "show {ref}",
    "outcome_unknown": "log",
    "refused": "show {ref}",
    "unavailable": "doctor",
    "version_conflict": "history {ref}",
}
OF_FIELD = {  # what is no reference: a list shows those there are
    "id": "list",
    "to_id": "list",
    "parent_id": "list",
    "milestone_id": "list --type milestone",
}
COMMAND = re.compile(rf"\b{PROGRAM} [a-z]")
REFERENCE = re.compile(r"\b[wvdegx]-[0-9a-z]{5,26}\b")


def next_lines(error: LedgerError, command: str = "", names: Mapping[str, str] = NO_NAMES) -> list[str]:
    """What to do next; the last of them, or what it holds, is a command."""
    advice = as_typed(_as_typed(error.next_step), names)
    if COMMAND.search(advice):
        return [advice]
    return [*([advice] if advice else []), f"{PROGRAM} {_command(error, command)}".rstrip()]


def message(error: LedgerError, command: str, names: Mapping[str, str] = NO_NAMES) -> str:
    """What is wrong, with the arguments as the command names them."""
    text = error.message.replace(POINT, f"{POINT}, or how long ago, like 2h or 3d")
    return as_typed(text, {**names, **ARGUMENTS.get(command, {})})


def as_typed(text: str, names: Mapping[str, str]) -> str:
    """A sentence in which each argument that it begins with, or has an underscore, is called as it is typed."""
    for argument, typed in names.items():
        text = re.sub(rf"(^|; ){argument}(?=: | can be: )", rf"\1{typed}", text)
        text = re.sub(rf"(?<![\w.'-]){argument}(?![\w.'])", typed, text) if "_" in argument else text
    return text


def option_names(command: click.Command) -> dict[str, str]:
    """The options of a command by the arguments that they give to operations."""
    long = ((option, max(option.opts, key=len)) for option in command.params if isinstance(option, click.Option))
    return {name: flag for option, flag in long for name in (option.name, flag[2:].replace("-", "_")) if name}


def _as_typed(next_step: str) -> str:
    for argument, option in WORDS.items():
        next_step = next_step.replace(argument, option)
    return OF_TOOLS.sub(f"{PROGRAM} show reads a ", next_step)


def _command(error: LedgerError, command: str) -> str:
    """The command by the rule that refuses, else by the code; the help where it wants a reference and none is known."""
    chosen = OF_RULE.get(str(error.details.get("rule"))) or _of_field(error)
    chosen = chosen or OF_CODE.get(error.code, "{command} --help")
    if chosen in ("list", "list --with-finished"):
        chosen = LISTS.get(command.partition(" ")[0], chosen)
    ref, version = _reference(error), _first_item(error).get("version")
    if error.code == "not_found" and ref is not None:
        chosen = f"show {ref}" if f"read {ref}" in error.next_step else LISTS_OF.get(ref[0], chosen)
    if "{version}" in chosen and not isinstance(version, int):  # a change that waits in the outbox has no number yet
        chosen = "history {ref}"
    if "{ref}" in chosen and ref is None:
        chosen = "{command} --help"
    return chosen.format(ref=ref, command=command, version=version).strip()


def _of_field(error: LedgerError) -> str | None:
    fields: list[Any] = error.details.get("fields") or []
    return next(filter(None, (OF_FIELD.get(str(fault.get("field"))) for fault in fields)), None)


def _reference(error: LedgerError) -> str | None:
    """What the refusal is about: the first that its sentence names, else the first of its items."""
    found = REFERENCE.search(error.message)
    return found[0] if found else _first_item(error).get("ref")


def _first_item(error: LedgerError) -> dict[str, Any]:
    """The first of its items that has a reference."""
    items: list[Any] = error.details.get("items") or []
    return next((item for item in items if isinstance(item, dict) and item.get("ref")), {})

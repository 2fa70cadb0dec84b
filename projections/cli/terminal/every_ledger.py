"""`--all`: one question to every ledger of this user, and the answers in one list whose rows say their ledger.

A ledger that cannot be asked is named, and the others are shown.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import click
from msgspec import Struct

from ledger.errors import LedgerError, NoLedger, NotFound, Unavailable
from projections.application.app import App
from projections.application.known_projects import KnownProject, known_projects
from projections.cli.terminal.invocation import Invocation
from projections.cli.terminal.output import answer_json, printable, remark, table
from projections.operations.catalog import OPERATIONS
from projections.questions.answers import Answered

AT_ONCE = 8  # ledgers that are asked at the same time
COUNTS = ("returned", "total_count", "total_is_at_least", "next_step")  # what a ledger says of its list
MOST_NAMED = 10  # ledgers in the answer to a name that is not known


OPTION = click.option("--all", "every_ledger", is_flag=True, help="From all your ledgers on this machine.")


class LedgerAnswer(Struct, frozen=True, kw_only=True):
    """What one ledger answers, or why it does not; `note` says that it is a copy's answer."""

    known: KnownProject
    answered: Answered = {}
    note: str = ""
    error: LedgerError | None = None


class Everywhere(Struct, frozen=True, kw_only=True):
    """The answers together; each item has `ledger`, the name, and `project`, the folder."""

    parts: list[LedgerAnswer]
    items: list[Answered]
    has_more: bool

    def show(self, headings: Sequence[str], row: Callable[[Answered], Iterable[object]]) -> None:
        """Prints a table, then what is missing from it and where the ledgers are."""
        table(("ledger", *headings), ([self._called(item), *row(item)] for item in self.items), cut=("title",))
        if not self.items:
            remark(f"nothing in any of {len(self.parts)} ledgers")
        for part in self.parts:
            name = printable(part.known.name)
            if part.error is not None:
                remark(f"{name} is not shown: {printable(part.error.message)}", style="yellow")
            elif part.note:
                remark(f"{name}: {printable(part.note)}", style="yellow")
            if "next_step" in part.answered:
                remark(f"{name}: {part.answered['next_step']}")
        if any(isinstance(part.error, NoLedger) for part in self.parts):
            remark("to leave one out: tracking-ledger ledgers forget LEDGER")
        for name, project in dict.fromkeys((item["ledger"], item["project"]) for item in self.items):
            remark(f"{printable(name)} is in {printable(project)}: name it with --project")
        if self.has_more:
            remark(f"there is more; these are {len(self.items)}: --limit")

    def _called(self, item: Answered) -> str:
        """Its ledger's name, or its folder where several ledgers have that name."""
        names = [part.known.name for part in self.parts]
        return str(item["ledger"] if names.count(item["ledger"]) == 1 else item["project"])

    def as_json(self) -> None:
        ledgers = [
            {
                "id": str(part.known.key),
                "name": part.known.name,
                "project": part.known.folder,
                **({"note": part.note} if part.note else {}),
                **(
                    part.error.as_answer()
                    if part.error is not None
                    else {name: part.answered[name] for name in COUNTS if name in part.answered}
                ),
            }
            for part in self.parts
        ]
        answer_json({"items": self.items, "returned": len(self.items), "has_more": self.has_more, "ledgers": ledgers})


def everywhere(
    invocation: Invocation,
    operation: str,
    arguments: Answered,
    limit: int,
    key: Callable[[Answered], Any] | None = None,
) -> Everywhere:
    """The items of an operation of every ledger, at most `limit`: by `key`, or one ledger after the other."""
    if invocation.app.has_ledger:
        _ = invocation.app.home  # it is known from now on
    known = known_projects(invocation.settings)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        parts = list(pool.map(lambda ledger: _part_of(invocation, ledger, operation, arguments), known))
    items = [
        {**item, "ledger": part.known.name, "project": part.known.folder}
        for part in parts
        for item in part.answered.get("items", ())
    ]
    if key is not None:
        items.sort(key=key)
    has_more = len(items) > limit or any(part.answered.get("has_more") for part in parts)
    return Everywhere(parts=parts, items=items[:limit], has_more=has_more)


def find(invocation: Invocation, ledger: str) -> KnownProject:
    """One of the user's ledgers by its name, folder or id. Raises NotFound for none and for several."""
    known = known_projects(invocation.settings)
    folder = str(Path(ledger).absolute().resolve())
    matching = [one for one in known if ledger in (one.name, one.folder, str(one.key)) or folder == one.folder]
    matching = matching or [one for one in known if ledger == Path(one.folder).name]
    if len(matching) == 1:
        return matching[0]
    choice = [one.folder for one in matching] or [one.name for one in known]
    raise NotFound(
        f"{len(matching) or 'none'} of the ledgers on this machine ({len(known)}) {'are' if matching else 'is'}"
        f" called {ledger[:80]!r}",
        next_step="name one by its name, folder or id: "
        + (", ".join(choice[:MOST_NAMED]) or "none is known here")
        + "; `tracking-ledger list --all` shows what they hold",
        id=ledger[:80],
    )


def ask(invocation: Invocation, known: KnownProject, operation: str, arguments: Answered) -> Answered:
    """What one of them answers. Raises what keeps it from answering."""
    part = _part_of(invocation, known, operation, arguments)
    if part.error is not None:
        raise part.error
    return part.answered


def _part_of(invocation: Invocation, known: KnownProject, operation: str, arguments: Answered) -> LedgerAnswer:
    try:
        known.identity()
        settings, way = known.settings(invocation.settings)
        with closing(App(settings, opened=lambda *_: None)) as app:  # to be asked is not to be opened
            if way == "copy":
                view = app.on_layer(app.runtime.journal())
                answered = OPERATIONS[operation].perform(view, arguments)
                layer = view.layer
                note = "LEDGER_DSN does not lead to its own database: answered from this machine's copy"
            else:
                answered = OPERATIONS[operation].perform(app, arguments)
                assert app.answered_by is not None, "what answered is known"
                layer = app.answered_by
                note = "" if layer.is_live else layer.sentence(app.clock())
            if layer.kind.is_empty:
                raise Unavailable(layer.sentence(app.clock()), next_step="start its database")
            return LedgerAnswer(known=known, answered=answered, note=note)
    except LedgerError as error:
        return LedgerAnswer(known=known, error=error)

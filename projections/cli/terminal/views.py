"""Saved views: filters of `list` under a name, in `.ledger/views.json` beside the ledger's identity.

A view is a way to look and no fact, so it is no event: a text file that can be read, edited, committed for the team or
ignored. `me` in it is the caller.
"""

import json
from pathlib import Path
from typing import Any

from ledger.errors import Damaged, Invalid, NotFound
from ledger.identity import FOLDER
from projections.cli.terminal.invocation import Invocation

FILE = "views.json"

Filters = dict[str, Any]


def saved(invocation: Invocation) -> dict[str, Filters]:
    """All views by name. Raises Damaged for a file that holds something else."""
    try:
        read = json.loads(_file(invocation).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise _damaged(_file(invocation), str(error)) from None
    if not isinstance(read, dict) or not all(isinstance(filters, dict) for filters in read.values()):
        raise _damaged(_file(invocation), "it is no object of objects")
    return read


def view(invocation: Invocation, name: str, known: set[str]) -> Filters:
    """The filters of a view, all of them among the known ones."""
    views = saved(invocation)
    if name not in views:
        raise NotFound(
            f"there is no view {name!r}; there are {', '.join(sorted(views)) or 'none yet'}",
            next_step="tracking-ledger list --save NAME with filters saves one",
        )
    unknown = sorted(views[name].keys() - known)
    if unknown:
        raise _damaged(_file(invocation), f"{name} has {', '.join(unknown)}, which is no filter of list")
    return views[name]


def save(invocation: Invocation, name: str, filters: Filters) -> Filters | None:
    """Keeps the filters under the name, and answers those that they replace, if they are others."""
    if not name.strip():
        problem = {"field": "--save", "problem": "must not be blank"}
        raise Invalid("a view needs a name", next_step="tracking-ledger list --save NAME", fields=[problem])
    there = saved(invocation)
    _write(invocation, there | {name: filters})
    return there[name] if name in there and there[name] != json.loads(json.dumps(filters)) else None


def forget(invocation: Invocation, name: str) -> None:
    view(invocation, name, set(saved(invocation).get(name, ())))
    _write(invocation, {other: filters for other, filters in saved(invocation).items() if other != name})


def _write(invocation: Invocation, views: dict[str, Filters]) -> None:
    from projections.reports.atomic_file import replacing  # only here: a list starts without the reports

    with replacing(_file(invocation)) as stream:
        stream.write(json.dumps(views, indent=2, ensure_ascii=False, sort_keys=True).encode() + b"\n")


def _file(invocation: Invocation) -> Path:
    return invocation.app.identity.project / FOLDER / FILE


def _damaged(file: Path, why: str) -> Damaged:
    return Damaged(
        f"{file} cannot be read: {why}", next_step=f"correct it, or delete it: {file} holds only saved views"
    )

"""The one list of operations, in the order in which assistants see them; each is loaded when it is first asked for.

A command needs one or two of them.
"""

import importlib
from collections.abc import Iterator, Mapping

from ledger.envelope import Command
from projections.operations.base import Input, Operation

_MODULES = {  # whose OPERATIONS have it, or for `sync` whose operations(inputs)
    "create_work_item": "work.work_items",  # the ten of the original contract; the others follow by noun
    "update_work_item": "work.work_items",
    "query_work_item": "work.work_items",
    "list_work_items": "work.work_items",
    "record_deployment": "deployments",
    "create_vendor": "vendors",
    "query_vendor_status": "vendors",
    "update_vendor_status": "vendors",
    "get_project_configuration": "configuration",
    "update_project_configuration": "configuration",
    "link_work_items": "work.work_items",
    "bulk_work_items": "work.bulk",
    "ready_work": "work.claims",
    "claim_work_item": "work.claims",
    "comment": "work.comments",
    "attach": "work.attachments",
    "question": "work.questions",
    "needs_me": "work.needs",
    "log_effort": "work.effort",
    "work_report": "work.work_report",
    "archive_work_items": "work.archive",
    "query_deployments": "deployments",
    "amend_deployment": "deployments",
    "record_enhancement": "enhancements",
    "update_enhancement": "enhancements",
    "list_enhancements": "enhancements",
    "query_history": "history",
    "undo": "history",
    "changes_since": "history",
    "project_status": "status",
    "prime": "status",
    "list_webhooks": "webhooks",
    "webhook": "webhooks",
    "sync_state": "sync",
    "resolve_conflict": "sync",
}


class Operations(Mapping[str, Operation]):
    """The operations by name. Going through all of them loads all of them."""

    def __init__(self) -> None:
        self._loaded: dict[str, Operation] = {}

    def __getitem__(self, name: str) -> Operation:
        if name not in self._loaded:
            self._loaded |= {operation.name: operation for operation in _operations(_MODULES[name])}
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_MODULES)

    def __len__(self) -> int:
        return len(_MODULES)

    def __contains__(self, name: object) -> bool:
        return name in _MODULES


OPERATIONS = Operations()


def _operations(module: str) -> tuple[Operation, ...]:
    loaded = importlib.import_module(f"projections.operations.{module}")
    found: tuple[Operation, ...] = loaded.operations(_inputs()) if module == "sync" else loaded.OPERATIONS
    return found


def _inputs() -> dict[str, type[Input]]:
    """The input to which an edit of each command that may be queued is held."""
    others = [OPERATIONS[name].commands for name, module in _MODULES.items() if module != "sync"]
    pairs: list[tuple[type[Command], type[Input]]] = [pair for commands in others for pair in commands.items()]
    return {command.__name__: taken for command, taken in pairs}

"""What may happen to webhooks, which are part of the configuration, and why not."""

import re
from collections.abc import Iterator
from typing import Any, assert_never

from msgspec import UNSET, UnsetType, to_builtins
from msgspec.structs import replace

from ledger.aggregates.configuration.commands import (
    AddWebhook,
    DeleteWebhook,
    PauseWebhook,
    ResumeWebhook,
    WebhookCommand,
)
from ledger.aggregates.configuration.events import ConfigurationChanged
from ledger.aggregates.configuration.state import Configuration, Webhook
from ledger.aggregates.decider import Decided
from ledger.aggregates.guards import check_administrator
from ledger.envelope import stream_id
from ledger.errors import NotFound
from ledger.problems import Problem, check, problem
from ledger.values.revision import Change
from ledger.world import World

MOST = 50
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")

Value = Webhook | UnsetType


def decide(command: WebhookCommand, category: str, world: World) -> Decided:
    check_administrator(world, "webhooks are changed")
    configuration: Configuration = world.state(category, command.id)
    match command:
        case AddWebhook(name=name, webhook=wanted):
            check(_problems(configuration, name))
            return _changed(command, category, name, UNSET, wanted)
        case PauseWebhook(name=name):
            known = _webhook(configuration, name)
            return _changed(command, category, name, known, replace(known, paused=True))
        case ResumeWebhook(name=name):
            known = _webhook(configuration, name)
            return _changed(command, category, name, known, replace(known, paused=False))
        case DeleteWebhook(name=name):
            return _changed(command, category, name, _webhook(configuration, name), UNSET)
        case _:
            assert_never(command)


def no_webhook(name: str) -> NotFound:
    return NotFound(
        f"there is no webhook {name[:80]!r} in this ledger",
        next_step="`tracking-ledger webhook list` names them",
        field="name",
        id=name[:80],
    )


def _problems(configuration: Configuration, name: str) -> Iterator[Problem]:
    if not NAME.fullmatch(name):
        yield problem("name", "must be at most 40 letters, digits, - and _", name)
    elif name in configuration.webhooks:
        yield problem("name", "is the name of a webhook already: take another, or delete that one first", name)
    elif len(configuration.webhooks) >= MOST:
        yield problem("name", f"would be one too many: a ledger has at most {MOST} webhooks", name)


def _webhook(configuration: Configuration, name: str) -> Webhook:
    if name not in configuration.webhooks:
        raise no_webhook(name)
    return configuration.webhooks[name]


def _changed(command: WebhookCommand, category: str, name: str, old: Value, new: Value) -> Decided:
    if old == new:
        return []
    changes = {f"webhooks.{name}": Change(_plain(old), _plain(new))}
    return [(stream_id(category, command.id), ConfigurationChanged(changes=changes))]


def _plain(webhook: Value) -> Any:
    return webhook if isinstance(webhook, UnsetType) else to_builtins(webhook)

"""What the facts of the configuration add up to. The defaults hold from the start, at version 0."""

from typing import Literal, assert_never

from msgspec import Struct

from ledger.aggregates.configuration.events import ConfigurationChanged, ConfigurationFact, ConfigurationReverted
from ledger.envelope import UnknownFact
from ledger.values.revision import apply
from ledger.values.states import States

ContextType = Literal["feature", "maintenance", "research"]
Template = Literal["json", "slack", "discord"]


class Webhook(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where events are sent, and which: of these kinds or categories, about these entities (ids), by these people.

    An empty filter lets everything through. Of the address only the `host` stands here: the rest of it and the secret
    are kept by the machine that sends, under this `id`.
    """

    id: str
    host: str
    kinds: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    template: Template = "json"
    paused: bool = False


class Configuration(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`depth_limit` is the depth of the deepest work item allowed, a root being at 0.

    With `write_status_file` each recorded write brings the status file up to date. `states` are those that the
    ledger has besides the three original ones, `roles` the people in each. With `only_asked_answer` a question is
    answered by whom it asks, or by an administrator, and by no other. Items of the `review_types` are completed when
    `reviewer`, a person or a role, has approved it; None leaves it to administrators.
    `currency` is what costs are in, as ISO 4217 writes it; None says nothing of it. No amount is ever converted.
    """

    active_context_type: ContextType = "feature"
    current_session_id: str | None = None
    git_branch: str | None = None
    git_head_commit: str | None = None
    default_token_budget: int = 200_000
    depth_limit: int = 5
    archive_days: int = 365
    lease_minutes: int = 30
    write_status_file: bool = False
    states: States = ()
    roles: dict[str, tuple[str, ...]] = {}
    only_asked_answer: bool = False
    review_types: tuple[str, ...] = ()
    reviewer: str | None = None
    currency: str | None = None
    webhooks: dict[str, Webhook] = {}


def evolve(configuration: Configuration, fact: ConfigurationFact | UnknownFact) -> Configuration:
    match fact:
        case ConfigurationChanged(changes=changes) | ConfigurationReverted(changes=changes):
            return apply(configuration, changes)
        case UnknownFact():
            return configuration  # carried, not interpreted
        case _:
            assert_never(fact)

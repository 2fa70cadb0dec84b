"""What can be asked of the configuration. `expected` is the version the writer has read, 0 if it never changed."""

from typing import Any

from msgspec import field

from ledger.configuration.state import Webhook
from ledger.envelope import Command
from ledger.pending import Version


class ConfigurationCommand(Command, frozen=True, kw_only=True):
    """The root of this category's commands; `id` follows from the ledger's, see envelope.configuration_id."""

    id: str


class ChangeConfiguration(ConfigurationCommand, frozen=True, kw_only=True):
    """Only what changes: a setting to its new value; None clears the session, the branch or the commit."""

    expected: Version
    fields: dict[str, Any] = field(default_factory=dict)


class AddWebhook(ConfigurationCommand, frozen=True, kw_only=True):
    """A webhook under a name that none has."""

    name: str
    webhook: Webhook


class PauseWebhook(ConfigurationCommand, frozen=True, kw_only=True):
    """Nothing is sent until it is resumed; its position waits with it."""

    name: str


class ResumeWebhook(ConfigurationCommand, frozen=True, kw_only=True):
    name: str


class DeleteWebhook(ConfigurationCommand, frozen=True, kw_only=True):
    name: str

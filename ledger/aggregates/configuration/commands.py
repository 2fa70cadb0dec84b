"""What can be asked of the configuration. `id` follows from the ledger's, see envelope.configuration_id.

`expected` is the version the writer has read, 0 if it never changed.
"""

from typing import Any

from msgspec import field

from ledger.aggregates.configuration.state import Webhook
from ledger.envelope import Command
from ledger.pending import Version


class ChangeConfiguration(Command, frozen=True, kw_only=True):
    """Changes some settings, each to its new value; None clears the session, the branch or the commit."""

    id: str
    expected: Version
    fields: dict[str, Any] = field(default_factory=dict)


class AddWebhook(Command, frozen=True, kw_only=True):
    """A webhook under a name that none has."""

    id: str
    name: str
    webhook: Webhook


class PauseWebhook(Command, frozen=True, kw_only=True):
    """Nothing is sent until it is resumed; its position waits with it."""

    id: str
    name: str


class ResumeWebhook(Command, frozen=True, kw_only=True):
    id: str
    name: str


class DeleteWebhook(Command, frozen=True, kw_only=True):
    id: str
    name: str


WebhookCommand = AddWebhook | PauseWebhook | ResumeWebhook | DeleteWebhook
ConfigurationCommand = ChangeConfiguration | WebhookCommand

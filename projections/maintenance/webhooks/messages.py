"""What is sent of an event: the Standard Webhooks' JSON, or a line for Slack or Discord.

Texts of a ledger are data: in a line they cannot mention anyone, put a link behind other words or format it.
"""

import re
from collections.abc import Callable
from uuid import UUID

import msgspec
from msgspec import Struct

from ledger.aggregates.configuration.state import Template
from projections.questions.answers import Line

LONGEST = 900  # characters of a line; Discord takes 2000, and escaping may double it

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~:/])")
_encode = msgspec.json.Encoder().encode


class Message(Struct, frozen=True, kw_only=True):
    """`id` is the same for every attempt, so that a receiver can tell a repetition."""

    id: str
    body: bytes


def of_event(ledger: UUID, template: Template, line: Line) -> Message:
    """`line` is the event as `log --json` shows it."""
    return Message(id=f"evt_{ledger.hex}_{line['position']}", body=_encode(_BODIES[template](str(ledger), line)))


def of_test(ledger: UUID, template: Template, name: str, command_id: UUID, at: str) -> Message:
    """A message that is about no event."""
    line = {
        "type": "webhook.test",
        "recorded_at": at,
        "by": "tracking-ledger",
        "ref": None,
        "title": None,
        "summary": f"a test of the webhook {name}",
    }
    return Message(id=f"test_{command_id.hex}", body=_encode(_BODIES[template](str(ledger), line)))


def _standard(ledger: str, line: Line) -> Line:
    return {"type": line["type"], "timestamp": line["recorded_at"], "data": {"ledger": ledger, **line}}


def _slack(_: str, line: Line) -> Line:
    as_it_is = {"mrkdwn": False, "parse": "none", "link_names": False, "unfurl_links": False, "unfurl_media": False}
    return {"text": _sentence(line, slack_text), **as_it_is}


def _discord(_: str, line: Line) -> Line:
    no_embeds = 1 << 2
    return {"content": _sentence(line, discord_text), "allowed_mentions": {"parse": []}, "flags": no_embeds}


_BODIES: dict[Template, Callable[[str, Line], Line]] = {"json": _standard, "slack": _slack, "discord": _discord}


def _sentence(line: Line, escaped: Callable[[str], str]) -> str:
    subject = " ".join(filter(None, (line["ref"], line["title"])))
    summary = line["summary"] if line["summary"] != line["title"] else ""
    words = f"{line['by']}: {_words(line['type'])}"
    text = " — ".join(filter(None, (words, subject, summary)))
    plain = " ".join(text.split())
    return escaped(plain if len(plain) <= LONGEST else plain[: LONGEST - 3] + "...")


def _words(type_name: str) -> str:
    """
    >>> _words("WorkItemCreated"), _words("webhook.test")
    ('work item created', 'webhook.test')
    """
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type_name).lower()


def slack_text(text: str) -> str:
    """Slack reads mentions and links inside < and > only.

    >>> slack_text("<!channel> R&D")
    '&lt;!channel&gt; R&amp;D'
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def discord_text(text: str) -> str:
    r"""A zero-width space parts each @ from its name; that no mention is parsed is also said in the message.

    >>> discord_text("@everyone **now**") == "@\u200beveryone \\*\\*now\\*\\*"
    True
    """
    return _MARKDOWN.sub(r"\\\1", text).replace("@", "@\u200b")

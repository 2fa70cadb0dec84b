"""Operations on webhooks: events sent to addresses over HTTP.

Which there are is part of the configuration, in the log. Addresses, secrets and positions are kept by the machine that
answers, which is the one that sends.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from ledger.aggregates.configuration.commands import (
    AddWebhook,
    ConfigurationCommand,
    DeleteWebhook,
    PauseWebhook,
    ResumeWebhook,
)
from ledger.aggregates.configuration.decider import CATEGORY
from ledger.aggregates.configuration.state import Template, Webhook
from ledger.aggregates.configuration.webhooks import no_webhook
from ledger.envelope import configuration_id
from ledger.errors import Forbidden, Invalid, NotFound
from ledger.problems import Problem, check, problem
from ledger.values.moment import text
from projections.application.view import LedgerView
from projections.maintenance.webhooks.destinations import Destination, Destinations
from projections.maintenance.webhooks.messages import of_test
from projections.maintenance.webhooks.network import host_of, problems_of
from projections.maintenance.webhooks.sender import attempt, networks_of, state_of
from projections.operations.base import Input, Operation, Writes, carry_out, command_id, new_id
from projections.operations.inputs.fields import LARGEST_NUMBER, AsArray, Name, NotBlank, Texts
from projections.questions import configuration as questions
from projections.questions.answers import Answered
from projections.questions.log.filtered_events import problems_of_kinds
from projections.questions.lookup import find
from projections.questions.references import references_of_ids

USUAL_HOURS, MOST_HOURS = 24, 24 * 30  # that a former secret signs beside the new one
OF_ADD = ("url", "kinds", "items", "people", "template")


class ListWebhooksInput(Input):
    """Nothing: all are listed."""


class WebhookInput(Writes):
    action: Annotated[
        Literal["add", "test", "pause", "resume", "replay", "rotate", "delete"],
        Field(
            description="replay sends again what follows `position`; resume also tries a parked one again; rotate makes"
            " a new secret and answers it once"
        ),
    ]
    name: Annotated[Name, Field(description="What it is called, like team-chat")]
    url: Annotated[str | None, Field(description="For add: where to send; kept secret")] = None
    kinds: Annotated[
        Texts, Field(description="For add: only these events or categories, like WorkItemCompleted or vendor")
    ] = ()
    items: Annotated[Texts, Field(description="For add: only events about these, like w-7k3qd")] = ()
    people: Annotated[
        tuple[Annotated[Name, NotBlank], ...], AsArray, Field(description="For add: only events by these people")
    ] = ()
    template: Annotated[
        Template, Field(description="For add: json is the Standard Webhooks form; slack and discord get a line of text")
    ] = "json"
    position: Annotated[
        int | None, Field(ge=0, le=LARGEST_NUMBER, description="For add and replay: send what follows this position")
    ] = None
    hours: Annotated[
        int, Field(ge=0, le=MOST_HOURS, description="For rotate: how long the former secret signs beside the new one")
    ] = USUAL_HOURS


def list_webhooks(view: LedgerView, _: ListWebhooksInput) -> Answered:
    with view.tables.snapshot() as snapshot:
        found = questions.webhooks(snapshot, configuration_id(view.identity.ledger))
        refs = references_of_ids(snapshot, {id for webhook in found.values() for id in webhook.entities})
        head = snapshot.as_of.position
    known = Destinations(view.home).all()
    items = [
        _webhook_as_answer(name, webhook, known.get(webhook.id), refs, head) for name, webhook in sorted(found.items())
    ]
    return {"items": items, "total_count": len(items)}


def webhook(view: LedgerView, request: WebhookInput) -> Answered:
    check(_faults(request))
    match request.action:
        case "add":
            return _add(view, request)
        case "delete":
            return _delete(view, request)
        case "pause":
            return _recorded(view, request, PauseWebhook(id=_own_id(view), name=request.name))
        case "resume":
            return _resume(view, request)
        case "replay":
            return _replay(view, request)
        case "rotate":
            return _rotate(view, request)
        case "test":
            return _test(view, request)


def _add(view: LedgerView, request: WebhookInput) -> Answered:
    """The address is there before the webhook is: nothing sends without both."""
    assert request.url is not None, "an address was asked for"
    entities = tuple(dict.fromkeys(find(view.tables, item)[1] for item in request.items))
    wanted = Webhook(
        id=new_id(request),
        host=host_of(request.url),
        kinds=request.kinds,
        entities=entities,
        people=request.people,
        template=request.template,
    )
    with view.tables.snapshot() as snapshot:
        head = snapshot.as_of.position
    position = _in_log(request.position, head)
    destination = Destinations(view.home).add(wanted.id, request.url, position)
    if destination.url != request.url:  # the secret of another address is not shown to who repeats its command
        check([problem("url", "is not that of the call which had this command_id")])
    try:
        answer = _recorded(view, request, AddWebhook(id=_own_id(view), name=request.name, webhook=wanted))
    except (Invalid, Forbidden):
        Destinations(view.home).remove(wanted.id)
        raise
    return answer | {"name": request.name, "from_position": destination.position, "secret": destination.secret}


def _delete(view: LedgerView, request: WebhookInput) -> Answered:
    known = _all(view).get(request.name)
    answer = _recorded(view, request, DeleteWebhook(id=_own_id(view), name=request.name))
    if known is not None:
        Destinations(view.home).remove(known.id)
    return answer


def _resume(view: LedgerView, request: WebhookInput) -> Answered:
    answer = _recorded(view, request, ResumeWebhook(id=_own_id(view), name=request.name))
    Destinations(view.home).restart(_all(view)[request.name].id)
    return answer


def _replay(view: LedgerView, request: WebhookInput) -> Answered:
    with view.tables.snapshot() as snapshot:
        position = _in_log(request.position, snapshot.as_of.position)
    destination = _sent_here(view, request.name)[1]
    Destinations(view.home).restart(destination.id, position)
    return {"outcome": "replaying", "name": request.name, "from_position": position}


def _rotate(view: LedgerView, request: WebhookInput) -> Answered:
    """Both sign for a while, so that a receiver that knows either of them takes every message."""
    destination, own = _sent_here(view, request.name)[1], command_id(request.command_id)
    now = view.clock().timestamp()
    rotated = Destinations(view.home).rotate(destination.id, str(own), now, now + request.hours * 3600)
    if rotated is None:
        raise no_webhook(request.name)
    formers = [_time(former.until) for former in rotated.formers]
    answer = {"outcome": "rotated", "name": request.name, "secret": rotated.secret}
    return answer | ({"former_signs_until": formers[0]} if formers else {})


def _test(view: LedgerView, request: WebhookInput) -> Answered:
    found, destination = _sent_here(view, request.name)
    own, now = command_id(request.command_id), view.clock()
    assert own is not None, "every write that is performed has a command id"
    message = of_test(view.identity.ledger, found.template, request.name, own, text(now))
    networks = networks_of(view.settings.webhook_networks)
    answer = attempt(destination, message, networks, now.timestamp())
    outcome = "taken" if answer.is_taken else "not_taken"
    return {"outcome": outcome, "name": request.name, "status": answer.status, "why": answer.why}


def _recorded(view: LedgerView, request: WebhookInput, command: ConfigurationCommand) -> Answered:
    return carry_out(view, request, CATEGORY, command, questions.current)


def _sent_here(view: LedgerView, name: str) -> tuple[Webhook, Destination]:
    """A webhook with what this machine knows of it. Raises NotFound where there is none, or it is another machine's."""
    found = _all(view).get(name)
    if found is None:
        raise no_webhook(name)
    destination = Destinations(view.home).all().get(found.id)
    if destination is None:
        raise NotFound(
            f"the webhook {name!r} has no address on this machine",
            next_step="do it on the machine where it was added; or `tracking-ledger webhook delete` it and add it here",
            field="name",
            id=name,
        )
    return found, destination


def _all(view: LedgerView) -> dict[str, Webhook]:
    with view.tables.snapshot() as snapshot:
        return questions.webhooks(snapshot, _own_id(view))


def _own_id(view: LedgerView) -> str:
    return configuration_id(view.identity.ledger)


def _in_log(position: int | None, head: int) -> int:
    if position is not None and position > head:
        check([problem("position", f"lies after the newest position, {head}", position)])
    return head if position is None else position


def _faults(request: WebhookInput) -> Iterator[Problem]:
    if request.action == "add":
        yield from problems_of(request.url) if request.url is not None else [problem("url", "is required for add")]
        yield from problems_of_kinds(request.kinds)
    else:
        for name in OF_ADD:
            if name in request.model_fields_set:
                yield problem(name, "goes with action add only")
    if request.action != "rotate" and "hours" in request.model_fields_set:
        yield problem("hours", "goes with action rotate only", request.hours)
    if request.action == "replay" and request.position is None:
        yield problem("position", "is required for replay: what follows it is sent")
    if request.action not in ("add", "replay") and request.position is not None:
        yield problem("position", "goes with actions add and replay only", request.position)


def _webhook_as_answer(
    name: str, webhook: Webhook, destination: Destination | None, refs: dict[str, str], head: int
) -> Answered:
    """All but the address and the secret."""
    shown: dict[str, Any] = {
        "name": name,
        "state": state_of(webhook, destination),
        "host": webhook.host,
        "template": webhook.template,
        "kinds": list(webhook.kinds),
        "items": [refs.get(id, id) for id in webhook.entities],
        "people": list(webhook.people),
    }
    if destination is None:
        return shown
    shown |= {"position": destination.position, "behind": max(0, head - destination.position)}
    if destination.parked is not None:
        return shown | {"why": destination.parked}
    if (failing := destination.failing) is not None:
        return shown | {"why": failing.why, "attempts": failing.attempts, "next_attempt": _time(failing.next_at)}
    return shown


def _time(moment: float) -> str:
    return text(datetime.fromtimestamp(moment, UTC))


OPERATIONS = (
    Operation(
        name="list_webhooks",
        title="List webhooks",
        summary="List the webhooks with their state and how far each has come. Addresses and secrets are not shown.",
        toolset="configuration",
        input=ListWebhooksInput,
        run=list_webhooks,
        scope="admin",
        only_reads=True,
        by_default=False,
    ),
    Operation(
        name="webhook",
        title="Add or change a webhook",
        summary="Send events to an address over HTTP, signed, at least once and in order; add answers the secret once.",
        toolset="configuration",
        input=WebhookInput,
        run=webhook,
        scope="admin",
        commands=dict.fromkeys((AddWebhook, PauseWebhook, ResumeWebhook, DeleteWebhook), WebhookInput),
        by_default=False,
    ),
)

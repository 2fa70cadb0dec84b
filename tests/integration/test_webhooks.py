"""Webhooks: which events go where, signed, in order and at least once, whatever the receiver and this machine do."""

import json
import shutil
import signal
import stat
import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from ledger.errors import Forbidden, Invalid, NotFound
from ledger.settings import Settings
from projections.application.app import App
from projections.cli.administration import health_checks
from projections.maintenance.webhooks.destinations import FILE
from projections.maintenance.webhooks.sender import MOST_ATTEMPTS, WebhookSender, sending
from projections.maintenance.webhooks.signature import signed_headers
from projections.operations.catalog import OPERATIONS
from tests.conftest import Perform
from tests.support.command_line import run
from tests.support.forked import Forked
from tests.support.long_cases import long_cases
from tests.support.mcp_client import environment
from tests.support.receiver import LOOPBACK, Receiver, receiving
from tests.support.tcp_gate import Gate

VERIFY = """
const crypto = require('crypto');
const [secret, id, time, signature] = process.argv.slice(1);
const chunks = [];
process.stdin.on('data', c => chunks.push(c)).on('end', () => {
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  const signed = Buffer.concat([Buffer.from(`${id}.${time}.`), ...chunks]);
  const wanted = 'v1,' + crypto.createHmac('sha256', key).update(signed).digest('base64');
  process.exit(wanted === signature ? 0 : 1);
});
"""


class Clock:
    """Seconds since 1970, as a sender asks for them."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, webhook_networks=LOOPBACK)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sender(app: App, clock: Clock) -> WebhookSender:
    return WebhookSender(app, moment=clock)


def add(perform: Perform, receiver: Receiver, name: str = "chat", **filters: Any) -> dict[str, Any]:
    return perform("webhook", action="add", name=name, url=receiver.url, **filters)


def item(perform: Perform, title: str = "One", **fields: Any) -> dict[str, Any]:
    return perform("create_work_item", item_type="task", title=title, **fields)


def state(perform: Perform, name: str = "chat") -> dict[str, Any]:
    found: dict[str, Any] = next(item for item in perform("list_webhooks")["items"] if item["name"] == name)
    return found


@pytest.mark.processes
def test_what_is_recorded_from_then_on_is_sent_in_order_with_its_own_words(
    perform: Perform, receiver: Receiver, sender: WebhookSender, app: App
) -> None:
    item(perform, "Before")
    add(perform, receiver)
    made = item(perform, "After")
    perform("update_work_item", id=made["id"], version=1, status="completed")

    sender.once()

    assert receiver.positions == [2, 3, 4]  # the second event is the webhook's own
    message = receiver.got[1].json
    assert (message["type"], message["data"]["title"], message["data"]["ref"]) == (
        "WorkItemCreated",
        "After",
        made["ref"],
    )
    assert message["data"]["ledger"] == str(app.identity.ledger)
    assert message["timestamp"] == message["data"]["recorded_at"]
    assert state(perform)["behind"] == 0


@pytest.mark.processes
def test_a_former_secret_signs_beside_the_new_one_for_its_time(perform: Perform, receiver: Receiver, app: App) -> None:
    first = add(perform, receiver)["secret"]
    command = str(UUID(int=7))
    second = perform("webhook", action="rotate", name="chat", hours=2, command_id=command)
    assert perform("webhook", action="rotate", name="chat", hours=2, command_id=command) == second
    third = perform("webhook", action="rotate", name="chat", hours=1)["secret"]
    now = datetime.fromisoformat(second["former_signs_until"]).timestamp() - 2 * 3600
    counts = []

    for hours in (0.5, 1.5, 2.5):
        item(perform)
        WebhookSender(app, moment=lambda hours=hours: now + hours * 3600).once()
        got = receiver.got[-1]
        given = got.headers["webhook-signature"].split(" ")
        moment = int(got.headers["webhook-timestamp"])
        secrets = (third, second["secret"], first)
        wanted = [
            signed_headers([one], got.headers["webhook-id"], moment, got.body)["webhook-signature"] for one in secrets
        ]
        counts.append([one in given for one in wanted])

    assert counts == [[True, True, True], [True, False, False], [True, False, False]]


@pytest.mark.processes
def test_a_secret_that_others_have_seen_ends_at_once(
    settings: Settings, perform: Perform, receiver: Receiver, app: App
) -> None:
    first = add(perform, receiver)["secret"]
    perform("webhook", action="rotate", name="chat")

    rotated = run(settings, "webhook", "rotate", "chat", "--hours", "0")

    secret = rotated.stdout.splitlines()[0]
    assert (rotated.exit_code, secret[:6], secret == first) == (0, "whsec_", False)
    assert "signs no more" in rotated.stderr
    WebhookSender(app).once()
    assert receiver.got[0].headers["webhook-signature"].count("v1,") == 1
    assert "secret" not in state(perform)
    with pytest.raises(Invalid, match="goes with action rotate only"):
        perform("webhook", action="pause", name="chat", hours=1)


@pytest.mark.processes
@pytest.mark.skipif(shutil.which("node") is None, reason="another language's HMAC is asked: needs node")
def test_another_language_verifies_the_signature(perform: Perform, receiver: Receiver, sender: WebhookSender) -> None:
    secret = add(perform, receiver)["secret"]
    sender.once()
    headers, body = receiver.got[0].headers, receiver.got[0].body
    signed = [headers[f"webhook-{name}"] for name in ("id", "timestamp", "signature")]

    def verified(given: bytes) -> bool:
        return subprocess.run(["node", "-e", VERIFY, secret, *signed], input=given, check=False).returncode == 0

    assert verified(body)
    assert not verified(body + b" ")


@pytest.mark.processes
def test_the_library_of_the_convention_verifies_the_signature(perform: Perform, receiver: Receiver, app: App) -> None:
    library = pytest.importorskip("standardwebhooks", reason="needs the package standardwebhooks")
    secret = add(perform, receiver)["secret"]

    WebhookSender(app).once()

    got = receiver.got[0]
    assert library.Webhook(secret).verify(got.body, got.headers) == got.json


def test_a_blank_person_is_no_filter(perform: Perform, receiver: Receiver) -> None:
    with pytest.raises(Invalid, match="people"):
        add(perform, receiver, people=[" "])


@pytest.mark.processes
def test_filters_let_through_what_fits_all_of_them(perform: Perform, receiver: Receiver, sender: WebhookSender) -> None:
    first, other = item(perform, "First"), item(perform, "Other")
    add(perform, receiver, kinds=["WorkItemRevised", "vendor"], items=[first["ref"]], people=["ann"])
    for one, by in ((first, "ann"), (first, "bob"), (other, "ann")):
        version = perform("query_work_item", id=one["id"])["version"]
        perform("update_work_item", id=one["id"], version=version, title=f"By {by}", by=by)
    perform("create_vendor", name="Acme", by="ann")
    perform("comment", id=first["id"], text="Not of this kind", by="ann")

    sender.once()

    assert [(got.json["data"]["by"], got.json["data"]["ref"]) for got in receiver.got] == [("ann", first["ref"])]
    assert state(perform)["behind"] == 0


@pytest.mark.processes
def test_a_category_is_a_kind_and_what_is_none_is_refused(
    perform: Perform, receiver: Receiver, sender: WebhookSender
) -> None:
    add(perform, receiver, kinds=["vendor"])
    item(perform)
    perform("create_vendor", name="Acme")

    sender.once()

    assert [got.json["type"] for got in receiver.got] == ["VendorCreated"]
    with pytest.raises(Invalid, match="kinds"):
        add(perform, receiver, "other", kinds=["WorkItemFinished"])


@pytest.mark.processes
def test_a_message_that_is_not_taken_holds_up_those_after_it_and_comes_again_under_its_id(
    perform: Perform, receiver: Receiver, sender: WebhookSender, clock: Clock
) -> None:
    add(perform, receiver)
    item(perform)
    receiver.answers = [500]

    sender.once()
    sender.once()
    assert receiver.positions == [1]
    assert (state(perform)["state"], state(perform)["why"]) == ("failing", "it answered 500")
    clock.now += 5
    sender.once()

    assert receiver.positions == [1, 1, 2]
    assert receiver.got[0].headers["webhook-id"] == receiver.got[1].headers["webhook-id"]
    assert state(perform)["state"] == "sending"


@pytest.mark.processes
def test_it_waits_longer_each_time_and_as_long_as_the_receiver_asks(
    perform: Perform, receiver: Receiver, sender: WebhookSender, clock: Clock
) -> None:
    add(perform, receiver)
    receiver.answers = [503, 503, 503]
    receiver.headers = {"Retry-After": "7200"}

    sender.once()
    clock.now += 7199
    sender.once()
    assert len(receiver.got) == 1
    clock.now += 2
    sender.once()

    assert len(receiver.got) == 2


@long_cases(
    "status, why",
    [(410, "it answered 410: it is gone"), (500, f"{MOST_ATTEMPTS} attempts in a row were not taken: it answered 500")],
)
def test_one_that_is_gone_or_fails_for_long_is_parked_and_doctor_names_it(
    perform: Perform, receiver: Receiver, sender: WebhookSender, clock: Clock, settings: Settings, status: int, why: str
) -> None:
    add(perform, receiver)
    receiver.answers = [status] * MOST_ATTEMPTS

    for _ in range(MOST_ATTEMPTS + 1):
        sender.once()
        clock.now += 4000

    assert (state(perform)["state"], state(perform)["why"]) == ("parked", why)
    assert len(receiver.got) == (1 if status == 410 else MOST_ATTEMPTS)
    findings = json.loads(run(settings, "doctor", "--json").stdout)["findings"]
    assert [finding["code"] for finding in findings] == ["webhook_parked"]
    receiver.answers = []
    perform("webhook", action="resume", name="chat")
    sender.once()
    assert state(perform)["state"] == "sending"


@pytest.mark.processes
def test_doctor_names_one_that_no_process_sends(
    perform: Perform, receiver: Receiver, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(perform, receiver)

    def codes() -> list[str]:
        return [finding["code"] for finding in json.loads(run(settings, "doctor", "--json").stdout)["findings"]]

    assert codes() == []
    monkeypatch.setattr(health_checks, "FAILING", -3600)  # as if it were an hour later
    assert codes() == ["webhook_waits"]


@pytest.mark.processes
def test_a_redirect_is_not_followed(perform: Perform, receiver: Receiver, sender: WebhookSender) -> None:
    with receiving() as other:
        add(perform, receiver)
        receiver.answers, receiver.headers = [307], {"Location": other.url}

        sender.once()

        assert not other.got
        assert state(perform)["why"] == "it answered 307 (redirects are not followed)"


def test_a_private_address_is_refused_unless_it_was_allowed(perform: Perform, receiver: Receiver, app: App) -> None:
    add(perform, receiver)
    app.runtime.settings = replace(app.settings, webhook_networks=())

    WebhookSender(app).once()

    assert not receiver.got
    assert "resolves to 127.0.0.1, which is no public address" in state(perform)["why"]


@pytest.mark.processes
def test_a_paused_one_goes_on_from_where_it_was(perform: Perform, receiver: Receiver, sender: WebhookSender) -> None:
    add(perform, receiver)
    perform("webhook", action="pause", name="chat")
    item(perform)

    sender.once()
    assert (receiver.got, state(perform)["state"]) == ([], "paused")
    perform("webhook", action="resume", name="chat")
    sender.once()

    assert receiver.positions == [1, 2, 3, 4]


@pytest.mark.processes
def test_a_replay_sends_again_what_follows_a_position_under_the_same_ids(
    perform: Perform, receiver: Receiver, sender: WebhookSender
) -> None:
    item(perform)
    add(perform, receiver, position=0)
    sender.once()

    perform("webhook", action="replay", name="chat", position=1)
    sender.once()

    assert receiver.positions == [1, 2, 2]
    assert len({got.headers["webhook-id"] for got in receiver.got}) == 2


@pytest.mark.processes
def test_a_test_message_says_what_became_of_it(perform: Perform, receiver: Receiver) -> None:
    add(perform, receiver)
    receiver.answers = [204, 500]

    assert perform("webhook", action="test", name="chat")["outcome"] == "taken"
    assert perform("webhook", action="test", name="chat")["why"] == "it answered 500"
    assert receiver.got[0].json["type"] == "webhook.test"
    assert state(perform)["behind"] == 1  # a test is no event, and takes none's place


def test_one_that_is_not_there_is_refused_with_the_way_to_those_that_are(perform: Perform) -> None:
    for action in ({"action": "test"}, {"action": "replay", "position": 0}, {"action": "resume"}):
        with pytest.raises(NotFound, match="there is no webhook 'chat'") as refused:
            perform("webhook", name="chat", **action)

        assert refused.value.next_step == "`tracking-ledger webhook list` names them"


@pytest.mark.processes
def test_a_deleted_one_sends_nothing_and_its_secret_is_gone(
    perform: Perform, receiver: Receiver, sender: WebhookSender, app: App
) -> None:
    secret = add(perform, receiver)["secret"]

    perform("webhook", action="delete", name="chat")
    sender.once()

    assert not receiver.got
    assert perform("list_webhooks")["items"] == []
    assert secret not in (app.home / FILE).read_text()
    with pytest.raises(NotFound):
        perform("webhook", action="pause", name="chat")


def test_an_undone_deletion_brings_back_what_was_sent_and_not_where(
    perform: Perform, receiver: Receiver, sender: WebhookSender
) -> None:
    add(perform, receiver, kinds=["vendor"])
    deleted = perform("webhook", action="delete", name="chat")

    perform("undo", command=deleted["command_id"])
    sender.once()

    assert (state(perform)["state"], state(perform)["kinds"]) == ("elsewhere", ["vendor"])
    with pytest.raises(NotFound, match="no address on this machine"):
        perform("webhook", action="test", name="chat")


def test_neither_secret_nor_address_is_shown_again_or_kept_where_others_read(
    perform: Perform, receiver: Receiver, sender: WebhookSender, app: App, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    secret = add(perform, receiver)["secret"]
    receiver.answers = [500]
    sender.once()

    shown = json.dumps(
        [perform("list_webhooks"), perform("get_project_configuration"), perform("changes_since", since=0)]
    )
    log = b"".join(event.data for event in app.store.read_all())
    files = b"".join(file.read_bytes() for file in app.home.rglob("*") if file.is_file() and file.name != FILE)
    for kept in (secret, secret.removeprefix("whsec_"), "confidential"):
        assert kept not in shown + caplog.text
        assert kept.encode() not in log + files
    assert stat.S_IMODE((app.home / FILE).stat().st_mode) == 0o600


def test_it_is_for_administrators_only(app: App, receiver: Receiver) -> None:
    writer = app.for_principal("wim", "write")

    with pytest.raises(Forbidden):
        OPERATIONS["webhook"].perform(writer, {"action": "add", "name": "chat", "url": receiver.url})

    for name in ("webhook", "list_webhooks"):
        assert OPERATIONS[name].scope == "admin"


@pytest.mark.processes
def test_a_refused_one_leaves_no_secret_behind(perform: Perform, receiver: Receiver, app: App) -> None:
    add(perform, receiver)
    kept = (app.home / FILE).read_text()

    with pytest.raises(Invalid, match="name"):
        add(perform, receiver)

    assert (app.home / FILE).read_text() == kept


def test_a_second_sender_sends_nothing_meanwhile(app: App) -> None:
    with sending(app) as first, sending(app) as second:
        assert (first, second) == (True, False)
    with sending(app) as again:
        assert again


@pytest.mark.parametrize(
    "url", ["ftp://a.example/", "https://", "https://user:confidential@a.example/", "https://a b/", "https://a:0/"]
)
def test_an_address_that_cannot_be_one_is_refused_without_repeating_it(perform: Perform, url: str) -> None:
    with pytest.raises(Invalid) as refused:
        perform("webhook", action="add", name="chat", url=url)

    assert refused.value.details["fields"][0]["field"] == "url"
    assert "confidential" not in str(refused.value.details)


@pytest.mark.processes
def test_a_sender_that_is_killed_between_delivery_and_record_leaves_nothing_out(
    perform: Perform, receiver: Receiver, settings: Settings, tmp_path: Path
) -> None:
    add(perform, receiver, position=0)
    for number in range(6):
        item(perform, f"Item {number}")
    how = {"env": environment(settings) | {"LEDGER_WEBHOOK_NETWORKS": "127.0.0.1"}, "cwd": tmp_path}
    receiver.answers = [204, 204, 0]  # the third is received, and its sender never hears of it

    killed = Forked("webhook", "send", **how)
    receiver.wait_for(3)
    killed.send_signal(signal.SIGKILL)
    killed.wait(30)
    killed.close()
    serving = Forked("serve", "--port", "0", "--no-tokens", **how)
    receiver.wait_for(8)
    serving.send_signal(signal.SIGTERM)
    serving.wait(60)
    serving.close()

    assert receiver.positions == [1, 2, 3, 3, 4, 5, 6, 7]
    assert state(perform)["behind"] == 0


@pytest.mark.processes
def test_the_commands_add_list_and_send(settings: Settings, receiver: Receiver) -> None:
    def answer(*words: str) -> Any:
        return run(settings, "webhook", *words, LEDGER_WEBHOOK_NETWORKS="127.0.0.1")

    added = answer("add", "chat", receiver.url, "--template", "slack")
    assert added.stdout.startswith("whsec_")
    assert "sending" in answer("list").stdout
    assert answer("test", "chat").exit_code == 0
    assert json.loads(answer("send", "--json").stdout) == {"taken": 1, "failing": 0, "sent_by_another": False}
    assert [set(got.json) for got in receiver.got] == [
        {"text", "mrkdwn", "parse", "link_names", "unfurl_links", "unfurl_media"}
    ] * 2
    assert answer("pause", "chat").exit_code == 0
    assert "paused" in answer("list").stdout
    assert answer("resume", "chat").exit_code == 0
    receiver.answers = [500]
    assert answer("send").exit_code == 8
    assert answer("replay", "chat", "--from", "0").exit_code == 0
    assert answer("delete", "chat").exit_code == 0
    assert answer("list", "--json").exit_code == 0


@pytest.mark.processes
def test_a_change_that_is_queued_is_not_said_to_be_in_effect(settings: Settings) -> None:
    gate = Gate(str(settings.dsn))
    behind = replace(settings, dsn=gate.dsn)
    run(behind, "webhook", "add", "chat", "https://chat.example/hook")
    run(behind, "sync")

    gate.close()
    paused = run(behind, "webhook", "pause", "chat")

    assert paused.exit_code == 6
    assert "chat is paused, once the ledger can be reached" in paused.stderr

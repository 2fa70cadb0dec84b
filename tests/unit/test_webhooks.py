"""Webhooks without a ledger: where a request may go, what a line for a chat says, what may be asked of them."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from ledger.aggregates.configuration.commands import AddWebhook, DeleteWebhook, PauseWebhook, ResumeWebhook
from ledger.aggregates.configuration.decider import decider
from ledger.aggregates.configuration.events import ConfigurationChanged
from ledger.aggregates.configuration.state import Template, Webhook
from ledger.errors import Damaged, Forbidden, Invalid, NotFound
from ledger.settings import Settings
from ledger.values.revision import Change
from projections.maintenance.webhooks.destinations import FILE, Destinations
from projections.maintenance.webhooks.messages import of_event
from projections.maintenance.webhooks.network import post
from projections.maintenance.webhooks.sender import waiting
from tests.support.each import each
from tests.support.given import CONFIGURATION, given, numbered
from tests.support.receiver import Receiver, receiving
from tests.support.sockets import end

LOOPBACK = (ip_network("127.0.0.1"),)
SOON = 60.0  # seconds, for a machine that does other things too: what drips never ends
CHAT = Webhook(id=numbered(1), host="chat.example")
PLAIN = {"id": numbered(1), "host": "chat.example"}
ADDED = ConfigurationChanged(changes={"webhooks.chat": Change(msgspec.UNSET, PLAIN)})


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def add(name: str = "chat") -> AddWebhook:
    return AddWebhook(id=CONFIGURATION, name=name, webhook=CHAT)


def test_adding_pausing_resuming_and_deleting_are_changes_of_the_configuration() -> None:
    paused = {**PLAIN, "paused": True}

    given(decider, CONFIGURATION).when(add()).then(ADDED).then_it_has(webhooks={"chat": CHAT})
    there = given(decider, CONFIGURATION).past(ADDED)
    there.when(PauseWebhook(id=CONFIGURATION, name="chat")).then(
        ConfigurationChanged(changes={"webhooks.chat": Change(PLAIN, paused)})
    )
    there.when(ResumeWebhook(id=CONFIGURATION, name="chat")).then_nothing()
    there.when(DeleteWebhook(id=CONFIGURATION, name="chat")).then(
        ConfigurationChanged(changes={"webhooks.chat": Change(PLAIN, msgspec.UNSET)})
    ).then_it_has(webhooks={})


def test_a_name_that_is_taken_or_is_none_and_a_webhook_that_is_not_there_are_refused() -> None:
    there = given(decider, CONFIGURATION).past(ADDED)

    there.when(add()).then_refused(Invalid)
    there.when(add("two words")).then_refused(Invalid)
    there.when(PauseWebhook(id=CONFIGURATION, name="other")).then_refused(NotFound)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.100.100.200",
        "169.254.169.254",
        "168.63.129.16",
        "224.0.0.1",
        "2130706433",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "[::ffff:169.254.169.254]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:7f00:1::]",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "[fec0::1]",
        "[ff02::1]",
        "192.0.0.192",
        "[::ffff:0:127.0.0.1]",
        "[64:ff9b:1::7f00:1]",
        "[2606:4700::5efe:7f00:1]",
        "[2606:4700::200:5efe:a9fe:a9fe]",
        "[3fff::1]",
        "[5f00::1]",
        "[4000::1]",
    ],
)
def test_no_address_that_is_not_public_is_connected_to(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "create_connection", lambda *_: pytest.fail("it was connected to"))

    answer = post(f"https://{host}/hook", b"", {}, ())

    assert answer.status is None
    assert "no public address" in answer.why


def test_a_name_is_resolved_once_and_every_address_of_it_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, connected = [], []
    answers = [["93.184.216.34"], ["127.0.0.1"], ["93.184.216.34", "127.0.0.1"]]

    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in answers.pop(0)]

    def connect(address: tuple[str, int], *_: Any) -> socket.socket:
        connected.append(address[0])
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "create_connection", connect)

    assert post("https://rebinds.example/", b"", {}, ()).why == "no answer: Connection refused"
    assert (asked, connected) == (["rebinds.example"], ["93.184.216.34"])
    for _ in range(2):
        assert "127.0.0.1, which is no public address" in post("https://rebinds.example/", b"", {}, ()).why
    assert connected == ["93.184.216.34"]


def test_http_without_tls_is_for_allowed_networks_only(receiver: Receiver) -> None:
    assert post(receiver.url, b"{}", {}, LOOPBACK).is_taken
    assert "use https" in post("http://93.184.216.34/", b"{}", {}, LOOPBACK).why


def test_a_receiver_that_hangs_or_drips_is_left_in_time(receiver: Receiver) -> None:
    receiver.answers = [0]

    begun = time.monotonic()
    hanging = post(receiver.url, b"{}", {}, LOOPBACK, seconds=0.1)
    with _dripping() as url:
        dripping = post(url, b"{}", {}, LOOPBACK, seconds=0.1)

    assert {hanging.why, dripping.why} == {"it did not answer within 0.1 s"}
    assert time.monotonic() - begun < SOON


def test_a_tls_handshake_that_drips_is_left_in_time() -> None:
    begun = time.monotonic()
    with _dripping(b"\x16\x03\x03\x40\x00") as url:
        answer = post(url.replace("http:", "https:"), b"{}", {}, LOOPBACK, seconds=0.3)

    assert answer.why == "it did not answer within 0.3 s"
    assert time.monotonic() - begun < SOON


def test_a_receiver_whose_name_was_looked_up_for_long_has_no_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    found = socket.getaddrinfo

    def slow(*asked: Any, **how: Any) -> list[Any]:
        time.sleep(0.3)
        return found(*asked, **how)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    begun = time.monotonic()
    with _dripping() as url:
        answer = post(url, b"{}", {}, LOOPBACK, seconds=0.2)

    assert answer.why == "it did not answer within 0.2 s"
    assert time.monotonic() - begun < SOON


def test_all_addresses_of_a_name_together_have_the_time_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    waited = []

    def silent(_: Any, seconds: float) -> socket.socket:
        waited.append(seconds)
        time.sleep(min(seconds, 0.1))
        raise TimeoutError("timed out")

    many = [(2, 1, 6, "", (f"93.184.216.{number}", 443)) for number in range(30)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: many)
    monkeypatch.setattr(socket, "create_connection", silent)

    answer = post("https://many.example/", b"{}", {}, (), seconds=0.25)

    assert answer.why == "it did not answer within 0.25 s"
    assert len(waited) <= 3


@pytest.mark.parametrize(
    "asked, seconds",
    [
        ("120", 120.0),
        ("soon", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("-3", None),
        ("Wed, 21 Oct 99999999999999999999 07:28:00 GMT", None),
        ("Wed, 21 Oct 2015 07:28:00 +99999999999999999999", None),
        ("\u00a0" * 9 + "5", None),
    ],
)
def test_what_a_receiver_asks_to_be_waited_for_is_read(receiver: Receiver, asked: str, seconds: float | None) -> None:
    receiver.answers, receiver.headers = [429], {"Retry-After": asked}

    assert post(receiver.url, b"{}", {}, LOOPBACK).retry_after == seconds


def test_waits_double_up_to_an_hour_and_differ_by_chance() -> None:
    assert waiting(30, None) != waiting(30, None)
    assert all(1800 <= waiting(30, None) <= 3600 for _ in range(50))
    assert waiting(1, 1e9) == 86_400.0


HOSTILE = "<!channel> <@U123> @everyone @here <@&42> [x](https://a.example) *b* `c` ~~d~~ || e"


@pytest.mark.parametrize("template", ["slack", "discord"])
def test_texts_of_events_mention_no_person_in_a_chat(template: Template) -> None:
    body = msgspec.json.decode(of_event(_uuid(), template, _line(HOSTILE)).body)

    if template == "slack":
        assert "<" not in body["text"] and ">" not in body["text"]
        assert "&lt;!channel&gt;" in body["text"]
        assert (body["mrkdwn"], body["link_names"], body["parse"]) == (False, False, "none")
    else:
        assert body["allowed_mentions"] == {"parse": []}
        assert "@everyone" not in body["content"] and "@here" not in body["content"]
        assert r"\[x\]\(https\:\/\/a\.example\)" in body["content"]


def test_the_longest_line_is_one_that_a_chat_takes() -> None:
    for hostile in ("*", "@", "<", "x", "\n"):
        body = msgspec.json.decode(of_event(_uuid(), "discord", _line(hostile * 20_000)).body)
        assert len(body["content"]) <= 2000
        assert "\n" not in body["content"]


def test_networks_are_read_from_the_environment_and_what_is_none_is_refused() -> None:
    assert Settings.from_environment({"LEDGER_WEBHOOK_NETWORKS": "127.0.0.1, 10.0.0.0/8"}).webhook_networks == (
        "127.0.0.1",
        "10.0.0.0/8",
    )
    with pytest.raises(Invalid, match="is no network"):
        Settings.from_environment({"LEDGER_WEBHOOK_NETWORKS": "10.0.0.1/8"})


@each("edited", [{"url": "http://[::1"}, {"url": "confidential"}, {"secret": "whsec_confidéntial"}])
def test_a_file_of_which_no_request_can_be_made_is_damaged(tmp_path: Path, edited: dict[str, str]) -> None:
    destinations = Destinations(tmp_path)
    destinations.add(numbered(1), "https://example.org/hook", 0)
    file = tmp_path / FILE
    file.write_bytes(msgspec.json.encode([one | edited for one in msgspec.json.decode(file.read_bytes())]))

    with pytest.raises(Damaged) as damaged:
        destinations.all()

    assert "conf" not in damaged.value.message


def test_only_an_administrator_changes_webhooks() -> None:
    given(decider, CONFIGURATION).when(add(), scope="write").then_refused(Forbidden)


def _uuid() -> UUID:
    return UUID(numbered(7))


def _line(title: str) -> dict[str, Any]:
    return {
        "position": 7,
        "type": "WorkItemCreated",
        "recorded_at": "2026-11-29T09:00:00.000000Z",
        "by": title[:100],
        "ref": "w-abcde",
        "title": title,
        "summary": title,
    }


class _dripping:
    """A server that never comes to the end of its first line, or of what it begins with."""

    def __init__(self, opening: bytes = b"") -> None:
        self._opening = opening

    def __enter__(self) -> str:
        self._listening = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._drip, daemon=True).start()
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}/"

    def __exit__(self, *_: object) -> None:
        end(self._listening)

    def _drip(self) -> None:
        with suppress(OSError), self._listening.accept()[0] as connection:
            connection.sendall(self._opening)
            while True:
                connection.sendall(b"H")
                time.sleep(0.05)

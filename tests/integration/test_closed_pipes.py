"""Commands whose reader has gone, as in `tracking-ledger log | head -3`: they end as other tools do."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ledger.settings import Settings
from projections.application.activity import lines
from projections.application.app import App
from projections.cli.program import program
from projections.cli.terminal import exits
from tests.conftest import Perform
from tests.support import forked
from tests.support.mcp_client import environment

pytestmark = pytest.mark.processes

SECONDS = 60
ISSUE = '{"id":"x-1","title":"Brought","status":"open","issue_type":"task","created_at":"2026-01-01T10:00:00Z"}'
ASKED = (
    "status",
    "status --json",
    "status --watch",
    "log",
    "log --json",
    "show {ref}",
    "ready",
    "search words",
    "changes",
    "operations",
    "call list_work_items",
    "export",
    "export json",
    "doctor",
    "prime",
    "--help",
    "log --help",
    "--version",
    "import {file}",
    "import {file} --json",
)


@pytest.fixture
def ref(perform: Perform) -> str:
    ref: str = perform("create_work_item", item_type="task", title="Some words")["ref"]
    return ref


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "issues.jsonl"
    file.write_text(ISSUE + "\n", encoding="utf-8")
    return file


def without_a_reader(settings: Settings, words: str, *, errors_too: bool = False) -> tuple[int, str]:
    """How the command ends whose standard output is not read, and what it says on standard error."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = forked.run(
            *words.split(),
            stdout=writing,
            **({"stderr": writing} if errors_too else {}),
            env=environment(settings),
            cwd=settings.project,
            timeout=SECONDS,
        )
    finally:
        os.close(writing)
    return ended.returncode, ended.stderr


@pytest.mark.parametrize("words", ASKED)
def test_a_command_whose_reader_has_gone_ends_by_the_signal_for_it(
    settings: Settings, ref: str, file: Path, words: str
) -> None:
    code, errors = without_a_reader(settings, words.format(ref=ref, file=file))

    assert code == -signal.SIGPIPE, errors
    assert not [word for word in ("Traceback", "BrokenPipe", "fault of the program", "Exception") if word in errors]


@pytest.mark.parametrize("words", ["log", "show x-1", "no-such-command"])
def test_standard_error_without_a_reader_is_no_fault_either(settings: Settings, ref: str, words: str) -> None:
    code, _ = without_a_reader(settings, words, errors_too=True)

    assert code == -signal.SIGPIPE


def test_what_the_command_was_for_is_done_all_the_same(settings: Settings, app: App, file: Path, ref: str) -> None:
    without_a_reader(settings, f"import {file}")

    assert [event.type for event in app.store.read_all()] == ["WorkItemCreated", "WorkItemCreated"]
    assert [line.error for line in lines(app.home) if line.kind == "command"] == [None]


@pytest.mark.parametrize(
    "words",
    [
        *("list", "list --json", "status", "log", "show {ref}", "export json", "import {file}"),
        *("--help", "--version", "list --help", "import beads --help", "show x-1 --json"),
    ],
)
def test_an_output_without_room_is_named_and_no_fault_of_the_program(
    settings: Settings, ref: str, file: Path, words: str
) -> None:
    with Path("/dev/full").open("wb") as full:
        command = words.format(ref=ref, file=file).split()
        ended = forked.run(
            *command, stdout=full.fileno(), env=environment(settings), cwd=settings.project, timeout=SECONDS
        )

    assert ended.returncode == exits.OUTPUT_LOST, ended.stderr
    assert "the answer could not be written: No space left on device" in ended.stderr
    assert not [word for word in ("Traceback", "fault of the program") if word in ended.stderr]


@pytest.mark.parametrize("words", ["list", "--help", "list --help", "export", "show x-1 --json", "add Another"])
def test_a_closed_output_is_named_and_no_file_takes_its_place(
    settings: Settings, app: App, ref: str, words: str
) -> None:
    ended = forked.run(
        *words.split(), program=without_output, env=environment(settings), cwd=settings.project, timeout=SECONDS
    )

    assert ended.returncode == exits.OUTPUT_LOST, ended.stderr
    assert "the answer could not be written: Bad file descriptor" in ended.stderr
    assert "Traceback" not in ended.stderr
    made = len(list(app.store.read_all())) + app.local.waiting  # which a busy machine may have queued
    assert made == (2 if words.startswith("add") else 1)


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize(
    ("words", "code"), [("ready --assignee bo", 0), ("show w-zzzzz", exits.REFUSED), ("add", exits.WRONG_USE)]
)
def test_what_standard_error_does_not_take_changes_no_exit_code(
    settings: Settings, ref: str, words: str, code: int, closed: bool
) -> None:
    with Path("/dev/full").open("wb") as full:
        how: dict[str, Any] = {"program": without_errors} if closed else {"stderr": full.fileno()}
        ended = forked.run(*words.split(), **how, env=environment(settings), cwd=settings.project, timeout=SECONDS)

    assert ended.returncode == code


def without_output() -> None:
    os.close(1)
    sys.stdout = None  # type: ignore[assignment]  # as Python begins then
    program()


def without_errors() -> None:
    os.close(2)
    sys.stderr = None  # type: ignore[assignment]  # as above
    program()


@pytest.mark.parametrize("errors_too", [False, True])
def test_a_server_that_cannot_write_its_answer_ends_while_its_client_waits(
    settings: Settings, errors_too: bool
) -> None:
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    line = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}
    with Path("/dev/full").open("wb") as full:
        server = forked.Forked(
            "mcp",
            stdin=subprocess.PIPE,
            stdout=full.fileno(),
            **({"stderr": full.fileno()} if errors_too else {}),
            env=environment(settings),
            cwd=settings.project,
        )
    assert server.stdin is not None
    server.stdin.write(json.dumps(line).encode() + b"\n")
    server.stdin.flush()

    _, errors = server.communicate(SECONDS)

    assert server.returncode == exits.OUTPUT_LOST
    assert errors_too or "No space left on device" in errors


def test_a_server_whose_client_reads_no_more_ends_as_if_the_client_had_closed_both_pipes(settings: Settings) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    server = forked.Forked(
        "mcp", stdin=subprocess.PIPE, stdout=writing, env=environment(settings), cwd=settings.project
    )
    os.close(writing)
    assert server.stdin is not None
    server.stdin.write(b"no message\n")
    server.stdin.flush()

    code = server.wait(timeout=SECONDS)
    _, errors = server.communicate(SECONDS)

    assert code == 0, errors

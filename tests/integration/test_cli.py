"""The commands, in this process: what they answer, and with which code they end."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import Result

from ledger.embedded.server import EmbeddedServer
from ledger.postgres.checkup import checkup
from ledger.postgres.connection.connect import DATABASE
from ledger.settings import Settings
from projections.application.app import App
from projections.cli.main import COMMANDS, cli
from projections.operations.catalog import OPERATIONS
from projections.transfer.file_import import ImportRequest
from tests.conftest import Perform
from tests.support.beads import export, issue, needs
from tests.support.command_line import Run, runner
from tests.support.waits import until

ESCAPE = "\x1b[31mred\x1b[0m [bold]not bold[/bold]"


@pytest.fixture
def run(settings: Settings) -> Run:
    """run("status", "--json"): the command on the test's own ledger."""
    return runner(settings, LEDGER_BY="tester")


def answered(result: Result) -> Any:
    return json.loads(result.stdout)


@pytest.mark.processes
def test_every_command_is_there_and_has_the_sentence_of_the_list_in_its_help(run: Run) -> None:
    listed = run("--help").stdout

    for name, (_, sentence) in COMMANDS.items():
        assert f"{name} " in listed
        assert sentence in listed
        assert run(name, "--help").exit_code == 0, name


@pytest.mark.processes
def test_status_is_the_report_as_markdown_and_as_json(run: Run, perform: Perform) -> None:
    perform("create_work_item", item_type="task", title="Write it down")

    text, document = run("status"), answered(run("status", "--json"))

    assert text.exit_code == 0
    assert "Write it down (task, P3)" in text.stdout
    assert document["active_work_items"]["total_count"] == 1
    assert document.keys() >= {"vendor_health", "recent_deployments", "pending_enhancements", "ready", "sync", "as_of"}


def test_json_may_be_asked_for_before_the_command_too(run: Run) -> None:
    assert answered(run("--json", "status"))["as_of"]["position"] == 0


@pytest.mark.processes
def test_the_log_tells_the_newest_events_or_those_after_a_position(run: Run, perform: Perform) -> None:
    for n in range(5):
        perform("create_work_item", item_type="task", title=f"number {n}")

    newest, from_two = (
        answered(run("log", "--limit", "2", "--json")),
        answered(run("log", "--after", "1", "--limit", "2", "--json")),
    )

    assert [item["summary"] for item in newest["items"]] == ["number 3", "number 4"]
    assert [item["position"] for item in from_two["items"]] == [2, 3]
    assert (from_two["has_more"], from_two["next_after"], from_two["total_count"]) == (True, 3, 5)
    assert "number 4" in run("log").stdout


@pytest.mark.processes
def test_the_log_tells_what_changed(run: Run, perform: Perform) -> None:
    item = perform("create_work_item", item_type="task", title="before")
    perform("update_work_item", id=item["id"], version=1, title="after", status="blocked", reason="no data")

    answer = [line["summary"] for line in answered(run("log", "--json"))["items"]]

    assert answer == ["before", "reason: no data, title: before -> after"]


@pytest.mark.processes
@pytest.mark.parametrize("as_typed", ["ref", "id"])
def test_show_takes_a_reference_or_an_id_of_anything(run: Run, perform: Perform, as_typed: str) -> None:
    fields = {"description": "d", "priority": 2, "target_quarter": "2027-Q1", "principles": []}
    made = [
        perform("create_work_item", item_type="task", title="T"),
        perform("create_vendor", name="Acme"),
        perform("record_enhancement", title="E", **fields),
    ]

    for entity in made:
        result = run("show", entity[as_typed], "--json")
        assert result.exit_code == 0, result.stderr
        assert answered(result)["id"] == entity["id"]
        assert run("show", entity[as_typed]).exit_code == 0


@pytest.mark.processes
def test_show_takes_a_vendors_name_in_any_case(run: Run, perform: Perform) -> None:
    vendor = perform("create_vendor", name="v-alpha One")

    assert answered(run("show", "V-Alpha ONE", "--json"))["id"] == vendor["id"]


def test_what_is_not_there_ends_with_3_and_a_next_step_on_stderr(run: Run) -> None:
    result = run("show", "nobody")

    assert result.exit_code == 3
    assert result.stdout == ""
    assert result.stderr.startswith("not found: nothing in this ledger is called 'nobody'\nnext: ")


def test_an_error_as_json_is_the_one_shape_on_stdout(run: Run) -> None:
    result = run("show", "w-00000", "--json")

    assert result.exit_code == 3
    assert answered(result)["error"].keys() == {"code", "message", "details", "next_step", "retryable"}
    assert result.stderr == ""


@pytest.mark.parametrize("line", [["bogus"], ["status", "--bogus"], ["show"], ["log", "--limit", "x"]])
def test_a_wrong_command_line_ends_with_2(run: Run, line: list[str]) -> None:
    text, as_json = run(*line), run(*line, "--json")

    assert (text.exit_code, text.stdout) == (2, "")
    assert text.stderr.startswith("invalid: ")
    assert "\nnext: " in text.stderr
    assert (as_json.exit_code, answered(as_json)["error"]["code"]) == (2, "invalid")


def test_without_a_ledger_every_question_ends_with_3_and_says_init(run: Run, tmp_path: Path) -> None:
    result = run("status", "--project", str(tmp_path))

    assert result.exit_code == 3
    assert "tracking-ledger init" in result.stderr


@pytest.mark.processes
def test_init_gives_a_folder_a_ledger_once(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "fresh"
    folder.mkdir()

    first = answered(run("init", "--project", str(folder), "--name", "My project", "--json"))
    again = answered(run("init", "--project", str(folder), "--json"))

    assert (first["created"], again["created"]) == (True, False)
    assert (first["ledger"], first["name"]) == (again["ledger"], "My project")
    assert run("status", "--project", str(folder)).exit_code == 0


def test_init_without_a_database_refuses_and_makes_nothing(run: Run, tmp_path: Path) -> None:
    result = run("init", "--project", str(tmp_path), "--dsn", "host=127.0.0.1 port=1")

    assert result.exit_code == 5
    assert "no ledger was made: PostgreSQL cannot be reached" in result.stderr
    assert "--offline" in result.stderr
    assert not (tmp_path / ".ledger").exists()


def test_init_offline_mints_the_ledger_and_says_so(run: Run, tmp_path: Path) -> None:
    result = run("init", "--offline", "--project", str(tmp_path), "--dsn", "host=127.0.0.1 port=1")

    assert result.exit_code == 0
    assert "PostgreSQL cannot be reached: what you record is kept on this machine" in result.stderr
    assert (tmp_path / ".ledger" / "ledger.json").is_file()


@pytest.mark.parametrize("dsn", ["host=127.0.0.1 port=1", "postgresql://127.0.0.1:1/nothing"])
def test_with_no_layer_left_the_report_is_empty_and_it_ends_with_5(run: Run, dsn: str) -> None:
    result = run("status", "--dsn", dsn)

    assert result.exit_code == 5
    assert "No work items yet." in result.stdout
    assert "PostgreSQL cannot be reached: there is nothing on this machine" in result.stderr


def test_a_connection_string_that_is_none_ends_with_2_and_is_not_repeated(run: Run) -> None:
    result = run("status", "--dsn", "pass:word@nowhere", "--json")

    assert result.exit_code == 2
    assert "pass:word" not in result.output


@pytest.mark.processes
def test_call_reads_each_argument_as_its_kind(run: Run, app: App) -> None:
    result = run(
        "call", "create_work_item", "item_type=task", "title=123", "priority=2", "tags=a, b", "pr_numbers=3,4",
        'metadata={"estimated_hours": 4}', "branch_name=a=b", "--json", "--by", "bob",
    )  # fmt: skip

    item = OPERATIONS["query_work_item"].perform(app, {"id": answered(result)["id"]})
    assert (item["title"], item["priority"], item["tags"]) == ("123", 2, ["a", "b"])
    assert (item["pr_numbers"], item["metadata"], item["branch_name"]) == ([3, 4], {"estimated_hours": 4}, "a=b")
    assert item["created_by"] == "bob"


def test_call_takes_json_for_one_argument_and_for_all(run: Run) -> None:
    result = run("call", "create_work_item", "tags:=[]", "--arguments", '{"item_type": "task", "title": "T"}', "--json")

    assert (result.exit_code, answered(result)["outcome"]) == (0, "committed")


@pytest.mark.parametrize(
    ("line", "code", "error"),
    [
        (["create_work_item", "title=x"], 2, "invalid"),
        (["create_work_item", "nonsense"], 2, "invalid"),
        (["create_work_item", "tags:=[", "title=x"], 2, "invalid"),
        (["create_work_item", "--arguments", "[1]"], 2, "invalid"),
        (["no_such_operation"], 3, "not_found"),
        (["query_work_item", "id=w-00000"], 3, "not_found"),
    ],
)
def test_call_ends_with_the_code_of_its_error(run: Run, line: list[str], code: int, error: str) -> None:
    result = run("call", *line, "--json")

    assert (result.exit_code, answered(result)["error"]["code"]) == (code, error)


@pytest.mark.processes
def test_a_stale_version_ends_with_4_and_a_taken_name_with_3(run: Run, perform: Perform) -> None:
    item = perform("create_work_item", item_type="task", title="T")
    perform("create_vendor", name="Acme")

    version_conflict = run("call", "update_work_item", f"id={item['ref']}", "version=7", "title=x")
    taken = run("call", "create_vendor", "name=ACME")

    assert (version_conflict.exit_code, taken.exit_code) == (4, 3)
    assert "is at version 1, not 7" in version_conflict.stderr


@pytest.mark.processes
def test_operations_names_every_tool_and_each_of_its_arguments(run: Run) -> None:
    listed = answered(run("operations", "--json"))

    assert [operation["name"] for operation in listed] == list(OPERATIONS)
    for name, operation in OPERATIONS.items():
        explained = run("operations", name).stdout
        assert all((field.alias or argument) in explained for argument, field in operation.input.model_fields.items())


@pytest.mark.processes
def test_a_point_that_is_none_is_named_as_it_was_typed(run: Run, perform: Perform) -> None:
    item = perform("create_work_item", item_type="task", title="T")

    assert "TO: 'v9' is not one of the versions 0 to 1" in run("diff", item["ref"], "v1", "v9").stderr
    assert "FROM: 'v8' is not one of the versions 0 to 1" in run("diff", item["ref"], "v8", "v1").stderr


@pytest.mark.processes
def test_vendors_and_deployments_are_tables(run: Run, perform: Perform) -> None:
    perform("create_vendor", name="Acme", test_results={"passing": 10, "total": 12, "skipped": 2})
    perform(
        "record_deployment",
        deployed_at="2026-11-20T08:30:00Z",
        commit_hash="8" * 40,
        pr_number=12,
        pr_title="Ship",
        test_summary={},
        constitutional_compliance=True,
    )

    assert "10 of 12, 2 skipped" in run("vendors").stdout
    assert "Ship" in run("deployments").stdout
    assert answered(run("vendors", "--status", "operational", "--json"))["total_count"] == 0


@pytest.mark.parametrize("command", ["status", "log", "show", "call"])
def test_no_text_of_the_ledger_reaches_the_terminal_as_a_command(run: Run, perform: Perform, command: str) -> None:
    item = perform("create_work_item", item_type="task", title=ESCAPE, branch_name="b\x07\u202e")
    lines = {"show": ["show", item["id"]], "call": ["call", "query_work_item", f"id={item['id']}"]}

    result = run(*lines.get(command, [command]))

    assert result.exit_code == 0
    assert not {letter for letter in result.output if ord(letter) < 32 or letter in "\x7f\x9b\u202e"} - {"\n"}
    assert "not bold" in result.output


@pytest.mark.processes
def test_a_fault_of_the_program_is_reported_without_a_traceback_or_its_text(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError("the secret")

    monkeypatch.setattr("projections.reports.report.document", fail)

    text, as_json = run("status"), run("status", "--json")

    assert (text.exit_code, as_json.exit_code) == (1, 1)
    assert text.stderr.startswith("unexpected KeyError at projections/")
    assert answered(as_json)["error"]["code"] == "internal"
    assert not any("the secret" in result.output or "Traceback" in result.output for result in (text, as_json))


@pytest.mark.processes
def test_doctor_says_what_is_where_and_how_long_calls_took(run: Run, perform: Perform, settings: Settings) -> None:
    perform("create_work_item", item_type="task", title="T")

    result = run("doctor", "--json")

    answer = answered(result)
    assert result.exit_code == 0
    assert answer["database"]["kind"] == "given"
    assert (answer["database"]["superuser"], answer["database"]["member"], answer["database"]["migrated"]) == (
        False,
        True,
        True,
    )
    assert answer["database"]["position"] == 1
    assert answer["findings"] == []
    assert (answer["database"]["conflicts"], answer["machine"]["waiting"], answer["machine"]["waiting_since"]) == (
        0,
        0,
        None,
    )
    assert answer["machine"]["behind"] == 1 - answer["machine"]["journal"]
    assert 0 < answer["database"]["connections"] < answer["database"]["max_connections"]
    assert (answer["database"]["longest_transaction"], answer["database"]["archiving"]) == (None, "off")
    calls = {call["name"]: call for call in answer["activity"]["calls"]}
    assert (calls["create_work_item"]["count"], calls["create_work_item"]["errors"]) == (1, 0)
    assert 0 < calls["create_work_item"]["p50"] <= calls["create_work_item"]["p99"]
    assert run("doctor").stdout.rstrip().endswith("everything is fine")


def test_a_checkup_sees_how_far_the_clock_of_this_machine_is_from_the_servers(run: Run, app: App) -> None:
    run("add", "T")

    checked = checkup(app.database, app.identity.key, lambda: datetime.now(UTC) + timedelta(days=3))

    assert abs(checked.clock_ahead - 3 * 86_400) < 600
    assert checked.newest_ahead == 0


@pytest.mark.processes
def test_doctor_warns_of_a_role_that_row_security_does_not_bind(
    run: Run, perform: Perform, server: EmbeddedServer
) -> None:
    perform("create_work_item", item_type="task", title="T")

    result = run("doctor", "--json", "--dsn", server.conninfo("postgres", DATABASE))

    assert "row security does not bind it" in answered(result)["findings"][0]["what"]


@pytest.mark.processes
def test_doctor_sees_the_age_of_transactions_as_a_role_that_may(run: Run, server: EmbeddedServer) -> None:
    result = run("doctor", "--json", "--dsn", server.conninfo("postgres", DATABASE))

    assert 0 <= answered(result)["database"]["longest_transaction"] < 3600


def test_doctor_says_since_when_commands_wait(run: Run) -> None:
    run("call", "create_work_item", "item_type=task", "title=Waits", LEDGER_DSN="host=127.0.0.1 port=1")

    answer = answered(run("doctor", "--json", LEDGER_DSN="host=127.0.0.1 port=1"))

    assert answer["machine"]["waiting"] == 1
    assert answer["machine"]["waiting_since"].startswith("20")
    assert answer["machine"]["behind"] is None


def test_doctor_works_without_a_database_and_ends_with_5(run: Run) -> None:
    result = run("doctor", "--dsn", "host=127.0.0.1 port=1 password=hidden")

    assert result.exit_code == 5
    assert "the database does not answer" in result.stdout
    assert "hidden" not in result.output


def test_doctor_without_a_ledger_says_once_how_to_get_one(run: Run, tmp_path: Path) -> None:
    result = run("doctor", "--project", str(tmp_path))
    answer = answered(run("doctor", "--project", str(tmp_path), "--json"))

    assert result.stdout.count("tracking-ledger init") == 1
    assert [finding["code"] for finding in answer["findings"]] == ["no_ledger"]


@pytest.mark.processes
def test_doctor_names_items_that_wait_for_each_other(run: Run, perform: Perform, app: App, tmp_path: Path) -> None:
    given = [issue(one, dependencies=[needs(one, other)]) for one, other in (("x-1", "x-2"), ("x-2", "x-1"))]
    ImportRequest(source="beads", path=export(tmp_path, *given)).run(app)

    answer = answered(run("doctor", "--json"))

    refs = {perform("query_work_item", id=name)["ref"] for name in ("x-1", "x-2")}
    (finding,) = answer["findings"]
    assert finding["code"] == "items_wait_for_each_other"
    assert all(ref in finding["what"] for ref in refs)


@pytest.mark.processes
def test_doctor_shows_sizes_and_ages_with_their_units(run: Run, perform: Perform, app: App) -> None:
    perform("create_work_item", item_type="task", title="T")
    until(app.sync.follow)

    shown = run("doctor").stdout

    assert re.search(r"^size +\d+\.\d MiB$", shown, re.MULTILINE)
    assert re.search(r"^last contact +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC \(\d+ s ago\)$", shown, re.MULTILINE)


def test_doctor_has_nothing_to_stop_where_no_server_runs(run: Run) -> None:
    result = run("doctor", "--stop-server", "--json")

    assert (result.exit_code, answered(result)["running"]) == (0, False)


@pytest.mark.processes
def test_json_is_taken_before_and_after_every_command_and_group(run: Run) -> None:
    groups = {name: cli.get_command(click.Context(cli), name) for name in COMMANDS}
    lines = [
        (*front, *words[:cut], "--json", *words[cut:])
        for front in ((), ("--by", "ann"))
        for name, command in groups.items()
        if isinstance(command, click.Group)
        for words in ((name, "no-such-command"),)
        for cut in (0, 1, 2)
    ]

    assert {name for name, command in groups.items() if isinstance(command, click.Group)} >= {
        "token",
        "ledgers",
        "import",
    }
    for line in lines:
        result = run(*line)
        assert (result.exit_code, answered(result)["error"]["code"]) == (2, "invalid"), line
        assert "--json" not in answered(result)["error"]["message"], line


@pytest.mark.parametrize("line", [["token", "list"], ["ledgers", "list"]])
def test_a_group_passes_json_on_to_its_commands(run: Run, line: list[str]) -> None:
    first, second = (answered(run(line[0], "--json", line[1])), answered(run(*line, "--json")))

    assert first == second


def test_import_takes_the_common_options_before_the_file(run: Run, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "todo.txt").write_text("(A) Call the printer\n")

    result = run("import", "--json", "--project", str(settings.project), str(tmp_path / "todo.txt"))

    assert (result.exit_code, answered(result)["created"]) == (0, 1), result.output

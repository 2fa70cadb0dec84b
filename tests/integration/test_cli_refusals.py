"""What a refusal says to a person at the command line: their own words, what they typed, and the line to type next."""

import json
import shlex
from pathlib import Path

import pytest
from msgspec.structs import replace

from ledger.settings import Settings
from tests.conftest import Perform
from tests.integration.test_cli import Run, run
from tests.support import command_line

__all__ = ["run"]

REFUSED = [  # the line, and what is said about it; {ref} is a task, {vendor} the reference of a vendor
    ("diff {ref} v9", "FROM: 'v9' is not one of the versions 0 to 1"),
    ("diff {ref} 999", "FROM: 999 lies after the newest position"),
    ("history {ref} --since gestern", "--since: must be a position or a time like"),
    ("history {ref} --since gestern", "or how long ago, like 2h or 3d, not 'gestern'"),
    ("status --as-of 999", "--as-of: 999 lies after the newest position"),
    ("edit {ref} --title ''", "--title: must not be empty"),
    ("edit {ref} --status ''", "--status: must not be empty"),
    ("edit {ref} --status flying", "--status: 'flying' is not a state"),
    ("edit {ref} --milestone {ref}", "--milestone: must be a milestone, and {ref} is a task"),
    ("edit {ref} --milestone {ref}", "next: tracking-ledger list --type milestone"),
    ("start {ref} --token short", "--token: must be 8 to 200 letters, digits and signs, without blanks, not 'short'"),
    ("effort {ref} --note later", "TIME: must be above 0, unless tokens or cost is"),
    ("watch --once --kind Nope", "--kind: 'Nope' is neither an event nor a category"),
    ("watch --once --kind Nope", "--kind can be: work_item"),
    ("replay --until 1", "--until: needs --check, or --output with a file"),
    ("rebuild --from-journal --from-database", "say which one is right: --from-journal or --from-database"),
    ("done {vendor}", "next: tracking-ledger show reads a vendor"),
    ("--by ' ' list", "--by is no name of at most 100 printable characters"),
    ("--by 'a\x1b[31m' list", "next: set --by to a shorter, plain name"),
    ("resolve nope mine", "next: tracking-ledger conflicts"),
    ("ledgers forget nope", "next: name one by its name, folder or id"),
    ("webhook add x nope", "next: tracking-ledger webhook add --help"),
    ("link {ref}", "choose from: blocks, depends-on, relates-to, discovered-from"),
    ("attach {ref} docs/plan.md --remove --name Plan", "leave --kind and --name out"),
    ("comment {ref} --withdraw 7k3qdw2m some words", "text: is not given with action withdraw"),
    ("comment {ref} --correct 7k3qdw2m words", "next: tracking-ledger show {ref}"),
    ("call create_work_item title=One item_type=task title=Two", "title: is given twice"),
    ("call query_deployments id=d-zzzzz", "next: tracking-ledger deployments"),
    ("list --tga docs", "next: tracking-ledger list --tag\n"),
    ("hook instal", "invalid: no such command 'instal'\nnext: tracking-ledger hook install\n"),
    ("webhook create x nope", "invalid: no such command 'create'\nnext: tracking-ledger webhook --help\n"),
    ("log --since 2h", "invalid: no such option '--since'\nnext: tracking-ledger log --help\n"),
    ("call creat_work_item title=One", "next: see `tracking-ledger operations create_work_item`"),
    ("add Door --priority", "option '--priority' needs a value"),
    ("add Door --priority", "1-5  1 is the most urgent"),
    ("add Door --priority", "next: tracking-ledger add --help"),
    ("list --type", "[project|session|task|research|milestone]"),
    ("token create --scope", "next: tracking-ledger token create --help"),
    ("--project", "--project FOLDER"),
    ("import nothing pyproject.toml", "nothing is none of legacy, prompts"),
    ("import nothing /", "nothing is none of legacy, prompts"),
    ("bulk /nowhere.json", "/nowhere.json cannot be read: No such file or directory"),
    ("serve --host 0.0.0.0", "give --tls-cert and --tls-key, or --behind-proxy"),
    ("serve --behind-proxy nope", "--behind-proxy: must be addresses or networks with commas between them, or *"),
    ("serve --allow-origin nope", "--allow-origin: must be an origin like https://app.example.org"),
]
EMPTY = [  # where a variable that is not set must not mean all, this folder or the last command
    "list --tag ''",
    "list --tag=",
    "list --assignee ''",
    "list --due ''",
    "list ''",
    "next --tag ''",
    "due ''",
    "undo --yes ''",
    "show ''",
    "done {ref} ''",
    "import ''",
    "import todotxt ''",
    "export --output ''",
    "erase --yes --person ''",
    "token revoke ''",
]


@pytest.mark.processes
def test_a_refusal_says_what_was_typed_in_the_words_of_the_command(run: Run, perform: Perform) -> None:
    names = {
        "ref": perform("create_work_item", item_type="task", title="Door")["ref"],
        "vendor": perform("create_vendor", name="Acme")["ref"],
    }

    refused = {line: run(*shlex.split(line.format(**names))) for line, _ in REFUSED}

    assert {line: one.exit_code for line, one in refused.items() if one.exit_code not in (2, 3)} == {}
    unsaid = {line: said for line, said in REFUSED if said.format(**names).lower() not in refused[line].stderr.lower()}
    assert {line: (said, refused[line].stderr) for line, said in unsaid.items()} == {}


@pytest.mark.processes
def test_what_is_resolved_already_is_said_to_be(settings: Settings, perform: Perform, tmp_path: Path) -> None:
    other = replace(settings, home=tmp_path / "other")
    ref = perform("create_work_item", item_type="task", title="Door")["ref"]
    command_line.run(other, "list")
    command_line.run(replace(other, dsn="host=/nowhere"), "edit", ref, "--title", "Gate")
    perform("update_work_item", id=ref, version=1, title="Window")
    command_line.run(other, "sync")
    conflict = json.loads(command_line.run(other, "conflicts", "--json").stdout)["items"][0]["ref"]
    command_line.run(other, "resolve", conflict, "theirs")

    refused = command_line.run(other, "resolve", conflict, "mine")
    stale = command_line.run(other, "resolve", conflict, "mine", "--version", "1")

    assert f"{conflict} is resolved already: theirs" in refused.stderr
    assert f"{conflict} is at version 2, not 1" in stale.stderr


@pytest.mark.processes
def test_an_empty_text_where_something_is_named_is_refused(run: Run, perform: Perform) -> None:
    ref = perform("create_work_item", item_type="task", title="Door")["ref"]

    refused = {line: run(*shlex.split(line.format(ref=ref))) for line in EMPTY}

    assert {line: one.output for line, one in refused.items() if one.exit_code != 2 or "empty" not in one.stderr} == {}
    assert "created" in run("history", ref).stdout


@pytest.mark.processes
def test_an_empty_text_empties_a_field_that_may_be_empty(run: Run, perform: Perform) -> None:
    ref = perform("create_work_item", item_type="task", title="Door", assignee="ann", due="2026-12-15")["ref"]

    emptied = run("edit", ref, "--assignee", "", "--due", "")

    assert emptied.exit_code == 0
    assert "ann" not in run("list").stdout


def test_giving_back_what_is_not_claimed_says_so(run: Run, perform: Perform) -> None:
    ref = perform("create_work_item", item_type="task", title="Door")["ref"]

    assert "nothing to give back" in run("release", ref).stdout


def test_a_log_after_its_end_says_where_that_is(run: Run, perform: Perform) -> None:
    perform("create_work_item", item_type="task", title="Door")

    assert "no event is after position 99: the newest is 1" in run("log", "--after", "99").stderr


@pytest.mark.processes
def test_a_folder_with_the_name_of_a_source_is_imported_by_its_name(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = tmp_path / "backlog" / "tasks"
    tasks.mkdir(parents=True)
    (tasks / "task-1 - Door.md").write_text("---\nid: TASK-1\ntitle: Door\nstatus: To Do\n---\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    assert run("import", "backlog").exit_code == 0
    assert "Door" in run("list").stdout
    assert run("import", "backlog", "backlog").exit_code == 0
    assert "FILE" in run("import", "beads").stderr

"""`edit` in an editor: what is typed is merged into what is there, and never lost."""

import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from ledger.settings import Settings
from projections.cli.terminal import exits
from tests.conftest import Perform
from tests.support.command_line import Run, run
from tests.support.long_cases import long_cases


@pytest.fixture
def edit(settings: Settings, tmp_path: Path) -> Run:
    """edit("w-7k3qd", typed): the command, with an editor that runs this Python code on the text `t`."""

    def edited(ref: str, *typed: str) -> Result:
        script = tmp_path / "editor.py"
        steps, counter = list(typed), tmp_path / "counter"
        counter.write_text("0")
        script.write_text(
            "import pathlib, sys\n"
            f"steps, counter = {steps!r}, pathlib.Path({str(counter)!r})\n"
            "number = int(counter.read_text()); counter.write_text(str(number + 1))\n"
            "file = pathlib.Path(sys.argv[1]); t = file.read_text(encoding='utf-8')\n"
            "scope = {'t': t}; exec(steps[number], scope); file.write_text(scope['t'], encoding='utf-8')\n"
        )
        editor = shlex.join([sys.executable, str(script)])
        return run(settings, "edit", ref, LEDGER_BY="tester", EDITOR=editor, VISUAL="")

    return edited


@pytest.fixture
def item(perform: Perform) -> dict[str, Any]:
    made = perform("create_work_item", item_type="task", title="Title: a #1", tags=["a"], description="One\n\nTwo\n")
    return perform("query_work_item", id=made["id"])


@pytest.mark.processes
def test_every_field_comes_back_as_it_was_where_nothing_was_typed(edit: Run, perform: Perform) -> None:
    strange = "null: 'x' \"y\" \\ \x1b[31m\u2028 #z, 0755"
    parent = perform("create_work_item", item_type="task", title="Parent")
    made = perform(
        "create_work_item",
        item_type="task",
        title=strange,
        tags=["a b", "true", "1.10", "x,y"],
        description="---\nnot: front matter\n---\n",
        assignee="Ann Lee",
        parent_id=parent["id"],
    )

    perform("update_work_item", id=made["id"], version=1, notes="  first\n- second: x\n\n")

    result = edit(made["ref"], "t = t.replace('Ann Lee', 'Bob')")

    after = perform("query_work_item", id=made["id"])
    assert result.exit_code == 0, result.output
    assert perform("query_history", id=made["id"])["items"][0]["changes"] == [
        {"field": "assignee", "old": "Ann Lee", "new": "Bob"}
    ]
    assert after["title"] == strange
    assert edit(made["ref"], "pass").exit_code == 0
    assert perform("query_work_item", id=made["id"])["version"] == after["version"]


@pytest.mark.processes
def test_fields_and_text_are_changed_and_emptied(edit: Run, perform: Perform, item: dict[str, Any]) -> None:
    typed = "t = t.replace('Title: a #1', 'Else').replace('[a]', 'b, C').replace('priority: 3', 'priority: 1')"
    result = edit(item["ref"], f"{typed}.replace('One\\n\\nTwo', '# Three')")

    changed = perform("query_work_item", id=item["id"])
    assert result.exit_code == 0, result.output
    assert (changed["title"], changed["tags"], changed["priority"]) == ("Else", ["b", "c"], 1)
    assert changed["description"] == "# Three\n"
    edit(item["ref"], "t = t.partition('# Three')[0]")
    assert perform("query_work_item", id=item["id"])["description"] is None


@pytest.mark.processes
def test_what_another_changed_meanwhile_stays_and_of_the_same_field_both_are_shown(
    edit: Run, perform: Perform, item: dict[str, Any], settings: Settings
) -> None:
    kept = settings.home
    first = edit(item["ref"], "t = t.replace('One', 'Mine') + '=\\n'; raise SystemExit(3)")
    assert first.exit_code == exits.REFUSED
    perform("update_work_item", id=item["id"], version=1, by="ann", description="Theirs", priority=1)
    conflict = edit(item["ref"], "t = t.replace('One', 'Mine')", "seen = t; raise SystemExit(3)")

    text = next(kept.rglob("edits/*.md")).read_text(encoding="utf-8")
    assert conflict.exit_code == exits.REFUSED
    assert "opens it again" in conflict.stderr
    assert "<<<<<<< yours\nMine\n\nTwo\n\n=======\nTheirs\n>>>>>>> theirs" in text
    assert edit(item["ref"], "pass").exit_code == exits.WRONG_USE  # both are still there
    done = edit(item["ref"], "a, _, b = t.partition('<<<<<<< yours'); t = a + 'Mine and theirs'")
    assert done.exit_code == 0, done.output
    after = perform("query_work_item", id=item["id"])
    assert (after["description"], after["priority"]) == ("Mine and theirs", 1)
    assert list(kept.rglob("edits/*")) == []


@long_cases(
    ("typed", "named"),
    [
        ("t = 'nothing'", "front matter"),
        ("t = t.replace('title:', 'titel:')", "titel"),
        ("t = t.replace('priority: 3', 'priority: 9')", "priority"),
        ("t = t.replace('title:', '\\ttitle: [')", "line"),
    ],
)
def test_a_text_that_is_refused_is_kept_and_opened_again(
    edit: Run, perform: Perform, item: dict[str, Any], settings: Settings, typed: str, named: str
) -> None:
    result = edit(item["ref"], f"{typed}; t += 'long work'")

    assert result.exit_code == exits.WRONG_USE
    assert named in result.stderr
    assert f"tracking-ledger edit {item['ref']} opens it again" in result.stderr
    assert "long work" in next(settings.home.rglob("edits/*.md")).read_text(encoding="utf-8")

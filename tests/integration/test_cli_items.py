"""The verbs of a day's work, in this process: what they record, what they print, and how several of them end."""

import json
import shlex
from typing import Any

import pytest

from ledger.settings import Settings
from projections.cli.commands import COMMANDS, SYNONYMS
from projections.cli.terminal import exits
from tests.conftest import Perform
from tests.support.command_line import Run, runner
from tests.support.long_cases import long_cases


@pytest.fixture
def run(settings: Settings) -> Run:
    """run("done", "w-7k3qd", input="..."): the command on the test's own ledger."""
    return runner(settings, LEDGER_BY="tester", LEDGER_TOKEN="a-token-of-the-test")


def added(run: Run, *arguments: str) -> str:
    """The reference of a new item, as `add` prints it."""
    result = run("add", *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout.split()[0]


def item(perform: Perform, ref: str) -> dict[str, Any]:
    return perform("query_work_item", id=ref, include=["dependencies"])


@pytest.mark.processes
def test_add_records_what_its_options_say(run: Run, perform: Perform) -> None:
    parent, blocker = added(run, "Parent"), added(run, "First")

    options = ["-p", "1", "-t", "docs", "-t", "Now", "--parent", parent, "-a", "me", "--blocked-by", blocker]
    ref = added(run, "Write", "it", "down", *options, "-d", "with care")

    made = item(perform, ref)
    assert (made["title"], made["priority"], made["tags"]) == ("Write it down", 1, ["docs", "now"])
    assert (made["assignee"], made["description"], made["ready"]) == ("tester", "with care", False)
    assert made["parent_id"] == item(perform, parent)["id"]


def test_add_takes_titles_from_standard_input_one_a_line(run: Run) -> None:
    result = run("add", "-", "-t", "x", "--json", input="one\n\n two \n")

    assert [made["title"] for made in json.loads(result.stdout)["items"]] == ["one", "two"]


@pytest.mark.processes
def test_a_long_text_is_read_from_standard_input_where_it_is_a_dash(run: Run, perform: Perform) -> None:
    ref = run("add", "Piped", "-d", "-", input="# Why\n\nit is long\n").stdout.split()[0]
    run("edit", ref, "--notes", "-", input="two\nlines\n")

    made = item(perform, ref)
    assert (made["description"], made["notes"]) == ("# Why\n\nit is long", "two\nlines")


@pytest.mark.processes
@pytest.mark.parametrize(
    ("words", "input", "said"),
    [
        (("add", "One", "-d", "-"), "", "standard input is empty"),
        (("add", "-", "-d", "-"), "one\n", "- stands in two places"),
        (("edit", "w-22222", "-d", "-", "--notes", "-"), "one\n", "- stands in two places"),
        (("edit", "-", "-d", "-"), "w-22222\n", "- stands in two places"),
        (("comment", "w-22222", "-"), "\n", "standard input is empty"),
    ],
)
def test_a_dash_for_which_there_is_no_text_is_wrong_use(
    run: Run, words: tuple[str, ...], input: str, said: str
) -> None:
    refused = run(*words, input=input)

    assert refused.exit_code == exits.WRONG_USE
    assert said in refused.stderr


@pytest.mark.processes
def test_an_edit_answers_the_title_that_the_item_has_now(run: Run) -> None:
    ref = added(run, "Before")

    edited = run("edit", ref, "--title", "After")
    again = run("edit", ref, "-p", "1", "--json")

    assert edited.stdout == f"{ref}  changed  After\n"
    assert json.loads(again.stdout)["title"] == "After"
    assert json.loads(run("edit", ref, "--title", "Last", "--json").stdout)["title"] == "Last"


@pytest.mark.processes
def test_a_link_that_changes_nothing_says_so(run: Run) -> None:
    one, two = added(run, "One"), added(run, "Two")

    absent = run("link", one, "relates-to", two, "--remove")
    run("link", one, "relates-to", two)
    again = run("link", one, "relates-to", two)

    assert absent.stdout == f"{one}  nothing to change: it has no link relates to  {two}  Two\n"
    assert again.stdout == f"{one}  nothing to change: already relates to  {two}  Two\n"


def test_a_tag_is_not_given_and_taken_at_once(run: Run, perform: Perform) -> None:
    ref = added(run, "One", "-t", "docs")

    refused = run("edit", ref, "-t", "Now", "-t", "docs", "--untag", "now")

    assert refused.exit_code == exits.WRONG_USE
    assert "now is given with --tag and with --untag" in refused.stderr
    assert item(perform, ref)["tags"] == ["docs"]


def test_add_names_the_line_that_cannot_be_stored(run: Run, perform: Perform) -> None:
    refused = run("add", "-", input="One\n\nTwo \x00\n")

    assert refused.exit_code == exits.WRONG_USE
    assert "line 3: title: holds '\\x00', which cannot be stored" in refused.stderr
    assert perform("list_work_items")["items"] == []


@pytest.mark.processes
def test_add_records_all_of_its_titles_and_links_or_nothing(run: Run, perform: Perform) -> None:
    blocker = added(run, "First")

    unknown = run("add", "Second", "--blocked-by", blocker, "--blocked-by", "w-zzzzz")
    misspelt = run("add", "Second", "--blocked-by", "17")
    too_long = run("add", "-", "--blocked-by", blocker, input=f"Two\n\n{'x' * 201}\nThree\n")
    alike = run("add", "-", input=f"Two\n{'x' * 201}\nThree\n{'x' * 201}\n")
    too_many = run("add", "-", "--blocked-by", blocker, input="Two\n" * 501)

    assert (unknown.exit_code, misspelt.exit_code) == (exits.REFUSED, exits.WRONG_USE)
    assert "--blocked-by w-zzzzz: there is no work item w-zzzzz" in unknown.stderr
    assert "--blocked-by 17: id: '17' is not a UUID or a reference" in misspelt.stderr
    assert too_long.exit_code == exits.WRONG_USE
    assert "line 3: title: must have at most 200 characters, not 201; nothing was recorded" in too_long.stderr
    assert [line for line in ("line 1", "line 2", "line 3", "line 4") if line in alike.stderr] == ["line 2", "line 4"]
    assert too_many.exit_code == exits.WRONG_USE
    assert "at most 500 lines at once" in run("add", "-", "--blocked-by", blocker, "--json", input="T\n" * 501).stdout
    assert [found["title"] for found in perform("list_work_items")["items"]] == ["First"]


@pytest.mark.processes
def test_what_add_recorded_at_once_is_undone_at_once(run: Run, perform: Perform) -> None:
    blocker = added(run, "First")

    made = json.loads(run("add", "-", "--blocked-by", blocker, "--json", input="Two\nThree\n").stdout)["items"]

    assert [set(one) for one in made] == [{"outcome", "id", "ref", "version", "position", "command_id", "title"}] * 2
    assert [item(perform, one["ref"])["ready"] for one in made] == [False, False]
    assert item(perform, made[0]["ref"])["priority"] == item(perform, blocker)["priority"]  # not said, so as usual
    assert run("undo", "--yes").exit_code == exits.DONE
    assert [found["title"] for found in perform("list_work_items")["items"]] == ["First"]
    assert item(perform, blocker)["dependencies"] == []


@pytest.mark.processes
def test_an_item_is_blocked_by_all_that_are_named_or_by_none(run: Run, perform: Perform) -> None:
    one, first, second = added(run, "One"), added(run, "First"), added(run, "Second")

    refused = run("block", one, "--by", first, "--by", "w-zzzzz")

    assert refused.exit_code == exits.REFUSED
    assert "--by w-zzzzz: there is no work item w-zzzzz" in refused.stderr
    assert item(perform, one)["ready"]
    assert run("block", one, "--by", first, "--by", second).stdout == f"{one}  blocked  One\n"
    assert run("block", one, "--by", first, "--by", second).stdout == f"{one}  nothing to change  One\n"
    assert not item(perform, one)["ready"]
    assert run("unblock", one, "no longer", "--by", first).exit_code == exits.WRONG_USE
    assert f"now ready: {one}" in run("unblock", one, "--by", first, "--by", second).stderr


@pytest.mark.processes
def test_edit_changes_adds_removes_and_empties(run: Run, perform: Perform) -> None:
    ref = added(run, "Before", "-t", "a", "-t", "b", "-d", "old", "-a", "ann")

    result = run("edit", ref, "--title", "After", "-t", "C", "--untag", "A", "-d", "", "-p", "high", "-a", "")

    changed = item(perform, ref)
    assert result.exit_code == 0, result.output
    assert (changed["title"], changed["tags"], changed["priority"]) == ("After", ["b", "c"], 2)
    assert (changed.get("description"), changed.get("assignee")) == (None, None)


@pytest.mark.processes
def test_an_item_goes_from_start_to_done_without_a_version(run: Run, perform: Perform) -> None:
    first = added(run, "First")
    second = added(run, "Second", "--blocked-by", first)

    said = [run(verb, first) for verb in ("start", "stop", "start", "done")]

    assert [result.exit_code for result in said] == [0, 0, 0, 0]
    assert item(perform, first)["status"] == "completed"
    assert second in said[-1].stderr


@pytest.mark.processes
def test_drop_says_why_an_item_will_not_be_done_and_what_became_ready(run: Run, perform: Perform) -> None:
    first = added(run, "First")
    second = added(run, "Second", "--blocked-by", first)

    dropped = run("drop", first, "no customer asks for it")

    assert dropped.stdout == f"{first}  dropped  First\n"
    assert f"{second}  Second" in dropped.stderr
    assert "dropped: no customer asks for it" in run("show", first).stdout
    assert "dropped (1)" in run("board").stdout
    assert run("unblock", first).stdout == f"{first}  active  First\n"
    assert run("drop", first, second, "obsolete").exit_code == 0
    assert "dropped: obsolete" in run("show", second).stdout


@pytest.mark.processes
def test_costs_stand_below_the_currency_of_the_ledger(run: Run, perform: Perform) -> None:
    ref = added(run, "Fence")
    perform("update_project_configuration", version=0, settings={"currency": "EUR"})

    assert run("effort", ref, "90m", "--cost", "1.25").exit_code == 0

    assert "cost EUR" in run("report").stdout
    assert "cost EUR" in run("show", ref).stdout


@pytest.mark.processes
def test_block_and_unblock_by_a_reason_and_by_another_item(run: Run, perform: Perform) -> None:
    one, other = added(run, "One"), added(run, "Other")

    assert run("block", one, "--reason", "no data").exit_code == 0
    assert item(perform, one)["status"] == "blocked"
    assert run("unblock", one).exit_code == 0
    assert item(perform, one)["status"] == "active"
    assert run("block", one, "--by", other).stdout.split() == [one, "blocked", "One"]
    assert not item(perform, one)["ready"]
    assert run("unblock", one, "--by", other).exit_code == 0
    assert item(perform, one)["ready"]
    assert run("block", one).exit_code == exits.WRONG_USE


@pytest.mark.processes
def test_move_link_and_delete(run: Run, perform: Perform) -> None:
    parent, child = added(run, "Parent"), added(run, "Child")

    assert run("move", child, "--below", parent).exit_code == 0
    assert item(perform, child)["parent_id"] == item(perform, parent)["id"]
    assert run("move", child, "--top").exit_code == 0
    assert item(perform, child).get("parent_id") is None
    assert run("link", child, "relates-to", parent).exit_code == 0
    assert run("link", child, "relates-to", parent, "--remove").exit_code == 0
    assert run("delete", child).exit_code == 0
    assert item(perform, child)["deleted"]


@pytest.mark.processes
def test_several_items_are_changed_though_one_is_refused(run: Run, perform: Perform) -> None:
    one, two = added(run, "One"), added(run, "Two")

    result = run("done", one, "w-00000", two, "--json")

    answered = json.loads(result.stdout)
    assert (answered["done"], answered["refused"], result.exit_code) == (2, 1, exits.REFUSED)
    assert {item(perform, ref)["status"] for ref in (one, two)} == {"completed"}


@pytest.mark.processes
def test_references_come_from_standard_input_as_a_list_prints_them(run: Run, perform: Perform) -> None:
    refs = [added(run, "One"), added(run, "Two")]

    result = run("done", "-", input=run("ready").stdout)

    assert result.exit_code == 0, result.output
    assert {item(perform, ref)["status"] for ref in refs} == {"completed"}
    assert run("done", "-", input="nothing here\n").exit_code == exits.WRONG_USE


@pytest.mark.processes
def test_list_shows_what_is_not_finished_the_most_important_first(run: Run) -> None:
    low, high, finished = added(run, "Low", "-p", "4"), added(run, "High", "-p", "1"), added(run, "Finished")
    run("done", finished)

    lines = run("list").stdout.splitlines()

    assert [line.split()[0] for line in lines[1:]] == [high, low]
    assert finished in run("list", "--with-finished").stdout
    assert [item["ref"] for item in json.loads(run("list", "--status", "completed", "--json").stdout)["items"]] == [
        finished
    ]


@pytest.mark.processes
def test_list_narrows_down(run: Run) -> None:
    tagged, assigned, held = added(run, "A", "-t", "x"), added(run, "B printer", "-a", "me"), added(run, "C")
    run("start", held)

    def refs(*filters: str) -> set[str]:
        return {item["ref"] for item in json.loads(run("list", *filters, "--json").stdout)["items"]}

    assert refs("--tag", "x") == {tagged}
    assert refs("-a", "me") == {assigned}
    assert refs("--mine") == {assigned, held}
    assert refs("printer") == {assigned}
    assert refs("--limit", "1", "--page", "2") | refs("--limit", "2") == {tagged, assigned}
    assert "3; more: --page 2" in run("list", "-n", "2").stderr


@pytest.mark.processes
def test_plans_are_typed_as_people_write_them(run: Run, perform: Perform) -> None:
    milestone = added(run, "Version 1", "--type", "milestone", "--due", "2999-12-31")
    plans = ("--due", "3 Jan 2999", "--not-before", "yesterday", "--estimate", "1h30", "--milestone", milestone)
    planned = added(run, "Backup", *plans, "--recurrence", "weekly")
    late = added(run, "Late", "--due", "2020-01-31")

    shown = item(perform, planned)
    assert (shown["due"], shown["estimate"], shown["recurrence"]) == ("2999-01-03", 90, "every week")
    assert shown["milestone_id"] == item(perform, milestone)["id"]
    assert [line.split()[0] for line in run("due").stdout.splitlines()[1:]] == [late, planned, milestone]
    assert "days late" in run("due", "today").stdout
    assert planned not in run("due", "today").stdout
    assert run("edit", planned, "--due", "2999-01-10", "--not-before", "", "--estimate", "2h").exit_code == 0
    changed = item(perform, planned)
    assert (changed["due"], changed["not_before"], changed["estimate"]) == ("2999-01-10", None, 120)
    done = run("done", planned)
    assert "it comes again: w-" in done.stderr
    assert "due 2999-01-17" in done.stderr


@pytest.mark.processes
def test_a_date_that_can_be_two_is_refused_with_both(run: Run) -> None:
    refused = run("add", "x", "--due", "3/4/2999")

    assert refused.exit_code == exits.WRONG_USE
    assert "2999-03-04 or 2999-04-03" in refused.stderr


@pytest.mark.processes
def test_list_takes_what_is_planned_as_filters_and_order(run: Run) -> None:
    milestone = added(run, "Version 1", "--type", "milestone")
    soon, late = added(run, "Soon", "--due", "2999-01-01"), added(run, "Late", "--due", "2020-01-01")
    deferred = added(run, "Deferred", "--not-before", "2999-01-01", "--milestone", milestone)

    def refs(*filters: str) -> list[str]:
        return [item["ref"] for item in json.loads(run("list", *filters, "--json").stdout)["items"]]

    assert refs("--sort", "due")[:2] == [late, soon]
    assert refs("--due", "today") == refs("--overdue") == [late]
    assert refs("--deferred") == refs("--milestone", milestone) == [deferred]
    run("list", "--due", "today", "--save", "now")
    assert refs("--view", "now") == [late]
    assert "2999-01-01" in run("list").stdout


@pytest.mark.processes
def test_list_filters_by_priority_and_by_a_category_of_states(run: Run) -> None:
    urgent, later = added(run, "Burning", "-p", "1"), added(run, "Some day", "-p", "5")

    def refs(*filters: str) -> list[str]:
        return [item["ref"] for item in json.loads(run("list", *filters, "--json").stdout)["items"]]

    assert (refs("-p", "1"), refs("--priority", "5"), refs("-p", "2")) == ([urgent], [later], [])
    assert run("done", later).exit_code == 0
    assert refs("--status", "done") == refs("--status", "completed") == [later]
    unknown = run("list", "--status", "finished")
    assert unknown.exit_code == exits.WRONG_USE
    assert "active, blocked, completed" in unknown.stderr


@pytest.mark.processes
def test_link_takes_the_words_people_have_for_a_kind_and_names_those_there_are(run: Run) -> None:
    first, second = added(run, "First"), added(run, "Second")

    assert run("link", second, "needs", first).exit_code == 0
    assert second in run("list", "--blocked").stdout
    unknown = run("link", second, "follows", first)
    assert unknown.exit_code == exits.WRONG_USE
    assert "'follows' is no kind of link: they are blocks, depends-on, relates-to, discovered-from" in unknown.stderr
    assert f"next: tracking-ledger link {second} blocks OTHER" in unknown.stderr


@pytest.mark.processes
def test_effort_can_be_of_a_day_that_was(run: Run, perform: Perform) -> None:
    ref = added(run, "Long walk")

    assert run("effort", ref, "30m", "--on", "2020-02-29").exit_code == 0
    assert run("effort", ref, "30m", "--on", "yesterday").exit_code == 0
    ahead = run("effort", ref, "30m", "--on", "2999-01-01")

    entries = perform("query_work_item", id=ref, include=["effort"])["effort"]["entries"]
    assert entries[0]["at"].startswith("2020-02-29T")
    assert (len(entries), ahead.exit_code) == (2, exits.WRONG_USE)
    assert "future" in ahead.stderr


@pytest.mark.processes
def test_the_log_names_what_was_attached_and_what_went_into_an_item(run: Run) -> None:
    ref = added(run, "With more")
    run("attach", ref, "https://example.org/pull/3")
    run("effort", ref, "90m")

    said = " ".join(run("log").stdout.split())

    assert "attachments https://example.org/pull/3 kind" in said
    assert "effort minutes 90" in said


@pytest.mark.processes
def test_effort_is_added_and_summed_in_show(run: Run) -> None:
    above = added(run, "Above", "--estimate", "2h")
    below = added(run, "Below", "--parent", above)

    assert run("effort", above, "1h30", "--note", "thinking").stdout == f"{above}  90 minutes added\n"
    assert run("effort", below, "--tokens", "500", "--cost", "0.25").exit_code == 0

    lines = run("show", above).stdout.splitlines()
    assert "takes 120 minutes" in lines
    assert [line.split()[2:4] for line in lines if "thinking" in line] == [["tester", "90"]]
    assert [line.split() for line in lines if line.startswith("2 items")] == [
        ["2", "items", "-", "90", "500", "0.25", "-", "-"]
    ]
    assert run("effort", below, "0m").exit_code == exits.WRONG_USE
    assert "item by item" in run("effort", below).stdout


@pytest.mark.processes
def test_a_change_between_reading_and_writing_is_a_conflict_that_is_shown(
    run: Run, perform: Perform, monkeypatch: pytest.MonkeyPatch
) -> None:
    from projections.cli.daily import items

    ref = added(run, "Before")
    performed = items.perform

    def overtaken(invocation: Any, name: str, **arguments: Any) -> dict[str, Any]:
        if name == "update_work_item":
            perform("update_work_item", id=ref, version=1, title="Theirs", by="bob")
        return performed(invocation, name, **arguments)

    monkeypatch.setattr(items, "perform", overtaken)

    result = run("edit", ref, "--title", "Mine", "--json")

    assert result.exit_code == exits.VERSION_CONFLICT
    assert json.loads(result.stdout)["error"]["details"]["changed_since"][0]["by"] == "bob"


@pytest.mark.processes
def test_a_refusal_names_what_stands_in_the_way_and_the_option_to_type(run: Run) -> None:
    first, part = added(run, "First"), added(run, "Parent")
    second = added(run, "Second", "--blocked-by", first)
    child = added(run, "Child", "--parent", part)

    waiting, unfinished, unknown = run("start", second), run("done", part), run("call", "ready_work", "nonsense=1")

    assert first in waiting.stderr
    assert "First" in waiting.stderr
    assert child in unfinished.stderr
    assert "--force --reason" in unfinished.stderr
    assert "force=true" not in unfinished.stderr
    assert "can be: " in unknown.stderr
    assert "assignee" in unknown.stderr


@pytest.mark.processes
def test_a_version_conflict_says_who_changed_it(run: Run, perform: Perform) -> None:
    ref = added(run, "Before")
    perform("update_work_item", id=ref, version=1, title="Theirs", by="bob")

    result = run("call", "update_work_item", f"id={ref}", "version=1", "title=Mine")

    assert result.exit_code == exits.VERSION_CONFLICT
    assert "version 2: revised by bob (title: Theirs)" in result.stderr


@pytest.mark.parametrize(("typed", "meant"), [("statsu", "status"), ("close", "done"), ("create", "add")])
def test_a_word_that_is_no_command_says_which_was_meant(run: Run, typed: str, meant: str) -> None:
    result = run(typed)

    assert result.exit_code == exits.WRONG_USE
    assert result.stderr.splitlines()[0] == f"invalid: there is no command '{typed}'"
    assert f"next: tracking-ledger {meant}" in result.stderr


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        (("assign", "w-7k3qd", "bob"), "edit w-7k3qd --assignee bob"),
        (("close", "w-7k3qd"), "done w-7k3qd"),
        (("new", "Write docs", "-p", "1"), "add 'Write docs' -p 1"),
        (("issue", "list"), "list"),
    ],
)
def test_what_other_tools_call_it_is_answered_with_the_whole_line(run: Run, typed: tuple[str, ...], line: str) -> None:
    assert run(*typed).stderr.splitlines()[-1] == f"next: tracking-ledger {line}"


def test_what_other_tools_call_it_names_a_command_that_is_there() -> None:
    assert {line.split()[0] for line in SYNONYMS.values()} <= COMMANDS.keys()
    assert not SYNONYMS.keys() & COMMANDS.keys()


@pytest.mark.processes
def test_undo_without_a_name_takes_back_my_last_command_then_the_one_before(run: Run, perform: Perform) -> None:
    ref = added(run, "First title")
    run("edit", ref, "--title", "Second title")
    perform("update_work_item", id=ref, version=2, priority=1, by="ann")

    said = [run("undo"), run("undo"), run("undo")]

    assert "title First title -> Second title" in said[0].stdout
    assert said[1].exit_code == exits.REFUSED  # a change of another would be lost
    assert item(perform, ref)["title"] == "First title"
    assert item(perform, ref)["priority"] == 1


@pytest.mark.processes
def test_what_an_undo_took_back_comes_again_by_its_id_and_can_be_taken_back_again(run: Run, perform: Perform) -> None:
    ref = added(run, "Only")
    run("done", ref)
    undo = json.loads(run("undo", "--json").stdout)["command_id"]
    run("undo", undo)

    assert item(perform, ref)["status"] == "completed"
    assert "completed" in run("undo").stdout
    assert item(perform, ref)["status"] == "active"
    assert run("undo", "--version", "2").exit_code == exits.WRONG_USE


@pytest.mark.processes
def test_show_reads_as_a_page_and_raw_as_it_is_stored(run: Run) -> None:
    parent, ref = added(run, "Parent"), added(run, "Write", "-t", "docs", "-p", "1", "-d", "# Why\n\n\x1b[31mBecause")
    run("block", ref, "--by", parent)
    run("comment", ref, "Not *yet*")

    page, raw = run("show", ref).stdout, run("show", ref, "--raw").stdout

    assert page.startswith(f"{ref}  Write\ntask, active, priority 1, #docs\ncreated just now by tester")
    assert f"not ready: blocker {parent} Parent, active" in page
    assert "# Why" in page
    assert "Not *yet*" in page
    assert "\x1b" not in page
    assert "archived" not in page
    assert "archived" in raw
    assert item_id(raw) not in page


def item_id(raw: str) -> str:
    return json.loads(next(line for line in raw.splitlines() if line.startswith("id ")).split(maxsplit=1)[1])


@pytest.mark.processes
def test_a_saved_view_is_a_list_by_name_that_other_filters_narrow_down(run: Run, settings: Settings) -> None:
    tagged, other = added(run, "Tagged", "-t", "docs", "-a", "me"), added(run, "Other", "-t", "docs")
    added(run, "Untagged")
    run("list", "--tag", "docs", "--save", "docs")

    def refs(*arguments: str) -> set[str]:
        return {line.split()[0] for line in run("list", *arguments).stdout.splitlines()[1:]}

    assert refs("--view", "docs") == {tagged, other}
    assert refs("--view", "docs", "-a", "me") == {tagged}
    assert json.loads((settings.project / ".ledger" / "views.json").read_text()) == {"docs": {"tag": "docs"}}
    assert run("list", "--forget", "docs").exit_code == 0
    assert run("list", "--view", "docs").exit_code == exits.REFUSED


def test_a_view_that_is_replaced_is_said_with_the_line_that_brings_it_back(run: Run) -> None:
    first = run("list", "two words", "--tag", "docs", "--mine", "--save", "docs")
    again = run("list", "two words", "--tag", "docs", "--mine", "--save", "docs")
    other = run("list", "--tag", "guide", "--save", "docs")

    assert "replaced" not in first.stderr + again.stderr
    back = "tracking-ledger list 'two words' --tag docs --mine --save docs"
    assert f"replaced what it was: {back}\n" in other.stderr
    assert "tracking-ledger list --tag guide --save docs\n" in run(*shlex.split(back)[1:]).stderr


@pytest.mark.processes
def test_a_board_has_a_column_for_each_state_that_holds_something(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    waiting, doing, over = added(run, "Waits"), added(run, "\x1b[31mGoes on"), added(run, "Is over")
    run("block", waiting, "-r", "no data")
    run("done", over)
    run("start", doing)

    drawn = run("board").stdout
    columns = json.loads(run("board", "--json").stdout)["columns"]

    assert [column["state"] for column in columns] == ["active", "blocked", "completed", "dropped"]
    assert [[item["ref"] for item in column["items"]] for column in columns] == [[doing], [waiting], [over], []]
    assert drawn.splitlines()[0].split() == ["active", "(1)", "blocked", "(1)", "completed", "(1)"]
    assert f"{doing} p3 @tester" in drawn
    assert "\x1b" not in drawn


@pytest.mark.processes
def test_done_says_what_became_ready_or_whose_review_it_waits_for(run: Run, perform: Perform) -> None:
    first, second = added(run, "First"), added(run, "Second")
    run("link", first, "blocks", second)

    freed = run("done", first)
    perform("update_project_configuration", version=0, settings={"review_types": ["task"], "reviewer": "ann"})
    reviewed = run("done", second)

    assert f"now ready: {second}  Second\n" in freed.stderr
    assert reviewed.stdout == f"{second}  waits for a review by ann  Second\n"
    assert "waits for a review by ann\n" in run("show", second).stdout
    assert run("board").stdout.splitlines()[3].strip() == "review by ann"
    assert "waits for" in run("list").stdout.splitlines()[0]
    assert "review by ann" in run("list").stdout


@pytest.mark.processes
def test_a_reason_and_the_top_are_understood_as_they_are_typed(run: Run) -> None:
    ref = added(run, "Parse")
    below = added(run, "Match", "--parent", ref)

    assert run("block", below, "no license").stdout == f"{below}  blocked  Match\n"
    assert "blocked: no license" in run("show", below).stdout
    assert run("move", below, "top").stdout == f"{below}  moved  Match\n"
    assert run("block", below, ref, "--reason", "no license").exit_code == 0
    assert run("unblock", below, "it was bought").stdout == f"{below}  active  Match\n"
    assert run("done", below, "released with 1.2").stdout == f"{below}  done  Match\n"
    assert run("delete", below, ref, "imported twice").exit_code == 0
    assert all(
        said in run("history", below).stdout for said in ("it was bought", "released with 1.2", "imported twice")
    )


@pytest.mark.processes
def test_undoing_and_unlinking_say_what_became_ready(run: Run) -> None:
    ref, other = added(run, "Parse"), added(run, "Match")
    run("block", ref, "no license")
    run("link", ref, "blocks", other)

    assert f"now ready: {other}  Match\n" in run("link", ref, "blocks", other, "--remove").stderr
    assert f"now ready: {ref}  Parse\n" in run("undo", ref, "--version", "2").stderr


@pytest.mark.processes
def test_a_duplicate_is_linked_holds_nothing_up_and_is_seen_from_both_ends(run: Run) -> None:
    ref, other = added(run, "Parse"), added(run, "Parse again")

    linked = run("link", other, "duplicate-of", ref)
    assert linked.stdout == f"{other}  duplicates  {ref}  Parse\n"
    assert f"it can still be begun: tracking-ledger drop {other}" in linked.stderr
    assert "duplicates" in run("show", other).stdout
    assert "duplicated by" in run("show", ref).stdout.replace("_", " ")
    assert {line.split()[0] for line in run("ready").stdout.splitlines()[1:]} == {ref, other}
    assert run("done", ref).exit_code == 0
    run("link", other, "duplicates", ref, "--remove")
    assert "duplicates" not in run("show", other).stdout


@pytest.mark.processes
def test_an_item_and_a_list_are_shown_as_they_were(run: Run) -> None:
    ref = added(run, "Parse")
    position = json.loads(run("show", ref, "--json").stdout)["as_of"]["position"]
    run("edit", ref, "--title", "Match", "-s", "done")

    assert run("show", ref, "--as-of", str(position)).stdout.splitlines()[0] == f"{ref}  Parse"
    assert "Parse" in run("list", "--as-of", str(position)).stdout
    assert "Match" in run("list", "--with-finished").stdout
    assert run("show", "configuration", "--as-of", "1").exit_code == 2


@pytest.mark.processes
def test_report_says_who_did_what_and_where_the_time_went(run: Run) -> None:
    ref, other = added(run, "Parse"), added(run, "Else")
    run("effort", ref, "1h30", "--tokens", "7")

    people, states, items = run("report").stdout.split("\n\n")

    assert people.splitlines()[1].split() == ["tester", "1h30", "7", "1"]
    assert states.splitlines()[0] == "time in each state"
    assert items.splitlines()[2].split()[:5] == [ref, "Parse", "active", "1h30", "7"]
    assert other not in run("effort", ref).stdout
    assert run("report", "nobody").output == "no work items like that: tracking-ledger report\n"
    assert json.loads(run("report", "me", "--since", "yesterday", "--json").stdout)["people"][0]["minutes"] == 90


@pytest.mark.processes
def test_show_names_what_a_deployment_delivered_and_a_configuration(run: Run, perform: Perform) -> None:
    ref = added(run, "Deliver")
    made = perform("record_deployment", commit_hash="a" * 40, pr_title="Ship", work_item_ids=[ref])

    page = run("show", made["ref"]).stdout

    assert page.startswith(f"{made['ref']}  Ship\n")
    assert f"work items   {ref} Deliver" in page
    assert item(perform, ref)["id"] not in page
    assert "lease minutes" in run("show", "configuration").stdout


@long_cases(
    ("typed", "next_line"),
    [
        (("block", "REF"), "block REF --reason TEXT"),
        (("move", "REF", "OTHER"), "move REF --below OTHER"),
        (("move", "REF"), "move REF --top"),
        (("due", "REF", "next", "friday"), "edit REF --due 'next friday'"),
        (("done", "1"), "list"),
    ],
)
def test_a_refused_line_ends_with_one_that_works(run: Run, typed: tuple[str, ...], next_line: str) -> None:
    refs = {"REF": added(run, "One"), "OTHER": added(run, "Other")}

    refused = run(*(refs.get(word, word) for word in typed))

    for word, ref in refs.items():
        next_line = next_line.replace(word, ref)
    assert (refused.exit_code, refused.stderr.splitlines()[-1]) == (
        exits.WRONG_USE,
        f"next: tracking-ledger {next_line}",
    )
    assert run(*shlex.split(next_line)).exit_code == exits.DONE


@pytest.mark.processes
def test_an_item_waits_for_a_person_and_goes_on_with_a_choice_in_its_own_words(run: Run, perform: Perform) -> None:
    ref = added(run, "Pick a bank")
    asked = run("wait", ref, "ann", "Which", "format?", "--choice", "camt.053", "--choice", "mt940")
    assert (asked.exit_code, asked.stdout) == (0, f"{ref}  waits for ann\n")

    answered = run("answer", ref, "camt.053")

    assert answered.stdout == f"{ref}  answered  now active\n"
    answer = item(perform, ref)["answer"]
    assert (answer["verdict"], answer["choice"], "text" in answer) == ("choose", "camt.053", False)
    assert "tester asked ann: Which format?; tester chose camt.053 just now" in run("show", ref).stdout.splitlines()


@pytest.mark.processes
def test_what_is_queued_says_so(run: Run) -> None:
    added(run, "Known to this machine")

    queued = run("add", "Later", "--dsn", "host=127.0.0.1 port=1")

    assert queued.exit_code == exits.QUEUED
    assert "queued on this machine, since PostgreSQL cannot be reached" in queued.stderr


@long_cases("command", ["vendors", "deployments"])
def test_an_empty_list_says_what_records_the_first(run: Run, command: str) -> None:
    line = run(command).stderr.splitlines()[0].partition("; record one: tracking-ledger ")[2]

    assert run(*shlex.split(line)).exit_code == exits.DONE
    assert run(command).stderr == ""


@pytest.mark.processes
def test_an_empty_list_says_whether_there_is_nothing_or_nothing_like_that(run: Run) -> None:
    assert "tracking-ledger add TITLE" in run("list").stderr
    added(run, "One")
    assert (
        run("list", "--mine").stderr == "no work items like that; all of them: tracking-ledger list --with-finished\n"
    )
    assert run("vendors", "--status", "broken").stderr == "no vendors like that\n"


@pytest.mark.processes
def test_a_link_is_shown_as_it_was_typed(run: Run) -> None:
    one, other = added(run, "One"), added(run, "Other")

    assert run("link", one, "depends-on", other).stdout == f"{one}  depends on  {other}  Other\n"


@pytest.mark.processes
def test_what_is_due_is_asked_in_words_without_quotes(run: Run) -> None:
    ref = added(run, "One", "--due", "tomorrow")

    assert ref in run("due", "in", "2", "weeks").stdout
    assert run("due", "no", "day").exit_code == exits.WRONG_USE


@pytest.mark.processes
def test_show_says_what_is_above_an_item_and_keeps_it_from_being_begun(run: Run) -> None:
    season, blocker = added(run, "Season", "--not-before", "2999-01-01"), added(run, "Blocker")
    child = added(run, "Child", "--parent", season, "--blocked-by", blocker)
    assert run("ask", season, "ann", "Really?").exit_code == 0

    shown = run("show", child)

    assert shown.exit_code == exits.DONE
    assert f"not ready: ancestor deferred {season} Season, active, until 2999-01-01" in shown.stdout
    assert f"not ready: ancestor waiting {season} Season, active, for ann" in shown.stdout
    assert f"not ready: blocker {blocker} Blocker, active" in shown.stdout

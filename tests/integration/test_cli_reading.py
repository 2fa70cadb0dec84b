"""The commands `prime`, `bulk`, `search`, `deployments` and `vendors` in this process: answers and exit codes."""

import json
from pathlib import Path

import pytest

from ledger.settings import Settings
from projections.cli.terminal.exits import DONE, REFUSED, WRONG_USE
from tests.conftest import Perform
from tests.support.command_line import Run, runner
from tests.support.each import each


@pytest.fixture
def run(settings: Settings) -> Run:
    """run("prime"): the command on the test's own ledger."""
    return runner(settings)


def items(*titles: str) -> str:
    return json.dumps([{"op": "create", "item_type": "task", "title": title, "key": title} for title in titles])


@pytest.mark.processes
def test_prime_prints_its_text(run: Run, perform: Perform) -> None:
    perform("create_work_item", item_type="task", title="Write it down")

    assert "Write it down" in run("prime").stdout
    assert json.loads(run("prime", "--json").stdout)["position"] == 1


@pytest.mark.processes
def test_bulk_reads_a_file_or_standard_input(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "items.json"
    file.write_text(items("one", "two"), encoding="utf-8")

    assert run("bulk", str(file)).exit_code == 0
    answered = json.loads(run("bulk", "-", "--json", input=items("three")).stdout)
    assert (answered["taken"], answered["position"]) == (1, 3)


@pytest.mark.processes
def test_bulk_says_what_is_refused(run: Run) -> None:
    mixed = items("good", "x" * 201)

    assert run("bulk", "-", input=mixed).exit_code == WRONG_USE
    skipped = run("bulk", "-", "--skip-refused", input=mixed)
    assert (skipped.exit_code, "items.1" in skipped.stderr, "1 taken, 1 refused" in skipped.stderr) == (
        REFUSED,
        True,
        True,
    )


@pytest.mark.parametrize("given", ["{}", "not json"])
def test_bulk_of_anything_but_an_array_is_wrong_use(run: Run, given: str) -> None:
    assert run("bulk", "-", input=given).exit_code == WRONG_USE


def test_bulk_reads_a_file_with_a_byte_order_mark(run: Run, tmp_path: Path) -> None:
    (tmp_path / "items.json").write_text(
        '\ufeff[{"op": "create", "item_type": "task", "title": "Marked"}]\r\n', encoding="utf-8"
    )

    assert run("bulk", str(tmp_path / "items.json")).exit_code == DONE


@each("words", [("bulk", "-"), ("call", "create_work_item", f"metadata:={'[' * 50_000}")])
def test_json_that_is_nested_too_deep_is_wrong_use(run: Run, words: tuple[str, ...]) -> None:
    refused = run(*words, input="[" * 50_000)

    assert (refused.exit_code, "nested too deep" in refused.stderr) == (WRONG_USE, True)


def test_bulk_takes_no_name_that_is_given_twice(run: Run, perform: Perform) -> None:
    twice = '[{"op": "create", "item_type": "task", "title": "One", "title": "Two"}]'

    refused = run("bulk", "-", input=twice)

    assert (refused.exit_code, "title: is given twice" in refused.stderr) == (WRONG_USE, True)
    assert perform("list_work_items")["items"] == []


@pytest.mark.processes
def test_search_prints_what_is_found_and_how_many(run: Run, perform: Perform) -> None:
    perform("create_work_item", item_type="task", title="Find the Kraken")
    perform("create_work_item", item_type="task", title="Another")

    one = run("search", "kraken", "find")
    assert ("Find the Kraken" in one.stdout, "Another" in one.stdout, "1 of 1" in one.stderr) == (True, False, True)
    assert "nothing is found" in run("search", "dragon").stderr
    assert json.loads(run("search", "kraken", "--json").stdout)["total_count"] == 1


@pytest.mark.processes
def test_what_shipped_is_asked_by_time_vendor_and_work_item(run: Run, perform: Perform) -> None:
    acme, item = perform("create_vendor", name="Acme"), perform("create_work_item", item_type="task", title="Do")
    for day, more in ((1, {"vendor_ids": [acme["id"]]}), (2, {"work_item_ids": [item["id"]]}), (3, {})):
        perform(
            "record_deployment",
            deployed_at=f"2026-01-0{day}T12:00:00Z",
            commit_hash=str(day) * 40,
            pr_number=day,
            pr_title=f"Day {day}",
            test_summary={},
            constitutional_compliance=True,
            **more,
        )

    def shipped(*options: str) -> list[int]:
        answer = json.loads(run("deployments", "--json", *options).stdout)
        return [one["pr_number"] for one in answer["items"]]

    assert shipped("--from", "2026-01-02T00:00:00Z", "--to", "2026-01-03T00:00:00Z") == [2]
    assert (shipped("--vendor", "acme"), shipped("--work-item", item["ref"])) == ([1], [2])


@pytest.mark.processes
def test_who_broke_since_a_deployment_is_reported_with_the_last_good_version(run: Run, perform: Perform) -> None:
    vendor = perform(
        "create_vendor",
        name="Acme",
        status="operational",
        extractor_version="1.0",
        test_results={"passing": 3, "total": 3, "skipped": 0},
    )
    before = str(vendor["position"])
    shipped = perform("record_deployment", pr_number=7, pr_title="Ship\u202e it", commit_hash="1" * 40)
    broken = perform(
        "update_vendor_status",
        id=vendor["id"],
        version=1,
        status="broken",
        extractor_version="1.1",
        test_results={"passing": 1},
        deployment_id=shipped["ref"],
    )

    listed = run("vendors", "--broke-since", before)

    assert ("Acme" in listed.stdout, "1.0" in listed.stdout) == (True, True)
    assert f"{shipped['ref']} #7 Ship" in listed.stdout
    assert "\u202e" not in listed.stdout
    assert "no vendor broke since" in run("vendors", "--broke-since", str(broken["position"])).stderr

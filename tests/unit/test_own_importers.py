"""An importer that an installed package offers: the documented example, found as every installed one is."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.errors import Invalid
from ledger.importing.readers.sample import sample_of
from ledger.values.moment import parse
from projections.transfer.import_sources import SOURCES
from projections.transfer.own_importers import GROUP, own_importers

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "punch_list_importer"
NOW = parse("2026-11-22T12:00:00Z")
LIST = "# punch list\n7 open: Hang the door @ann after 3 by 2026-12-15\n3 done: Set the frame\nno line of it\n"


def installed(folder: Path, *points: str, package: str = "punch-list-importer") -> None:
    """What an installer leaves of a package."""
    records = folder / f"{package}-1.0.dist-info"
    records.mkdir(parents=True)
    (records / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (records / "entry_points.txt").write_text("\n".join([f"[{GROUP}]", *points]) + "\n")


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(str(EXAMPLE))
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    installed(tmp_path / "site", "punch-list = punch_list:IMPORTER")
    yield tmp_path
    sys.modules.pop("punch_list", None)


def test_the_example_reads_a_list_and_names_what_it_does_not_take(example: Path) -> None:
    (example / "list").write_text(LIST)

    name, importer, read = next(own_importers({}))
    reading = read(example / "list", str, NOW)

    door, frame = reading.items
    assert (name, importer.recognises(sample_of(example / "list"))) == ("punch-list", True)
    assert (door.category, door.fields["assignee"], door.fields["due"]) == ("planned", "ann", "2026-12-15")
    assert ([link.to for link in door.links], frame.category) == (["3"], "done")
    assert (reading.found, [one.where for one in reading.not_taken]) == (3, ["line 4: no line of it"])


def test_the_example_refuses_another_file_with_its_line(example: Path) -> None:
    (example / "list").write_text("7 open: Hang the door\n")
    _, _, read = next(own_importers({}))

    with pytest.raises(Invalid, match="line 1 is not the head of a punch list"):
        read(example / "list", str, NOW)


def test_a_name_that_is_taken_has_the_packages_behind_it(example: Path) -> None:
    found = [name for name, _, _ in own_importers({"punch-list"})]

    assert found == ["punch-list-punch-list-importer"]


@pytest.mark.parametrize(
    ("point", "problem"),
    [
        ("odd = no_such_module:IMPORTER", "cannot be loaded: ModuleNotFoundError"),
        ("odd = punch_list:NOTHING", "cannot be loaded: AttributeError"),
        ("odd = punch_list:HEAD", "is a str, not an Importer"),
        ("Odd! = punch_list:IMPORTER", "is called 'Odd!'"),
    ],
)
def test_one_that_cannot_be_used_says_why_and_keeps_no_other_away(example: Path, point: str, problem: str) -> None:
    installed(example / "site", point, package="broken-importer")

    found = {name: (importer, read) for name, importer, read in own_importers({})}

    importer, read = next(entry for name, entry in found.items() if name != "punch-list")
    assert (len(found), problem in importer.sentence) == (2, True)
    assert not importer.recognises(sample_of(EXAMPLE))
    with pytest.raises(Invalid) as caught:
        read(EXAMPLE, str, NOW)
    assert problem in caught.value.message
    assert "repair or remove the package broken-importer" in caught.value.next_step


@pytest.mark.processes
def test_its_command_is_beside_the_others(example: Path) -> None:
    paths = os.pathsep.join([str(example / "site"), str(EXAMPLE), str(ROOT)])

    result = subprocess.run(
        [sys.executable, "-c", "from projections.cli.main import main; main()", "import", "--help"],
        env=os.environ | {"PYTHONPATH": paths, "LEDGER_HOME": str(example / "home"), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert "A punch list of a building site" in result.stdout
    assert all(name in result.stdout for name in SOURCES)


def test_the_documented_code_is_the_examples(example: Path) -> None:
    documented = (ROOT / "docs" / "exchange.md").read_text(encoding="utf-8")

    assert (EXAMPLE / "punch_list.py").read_text(encoding="utf-8") in documented
    assert 'punch-list = "punch_list:IMPORTER"' in (EXAMPLE / "pyproject.toml").read_text(encoding="utf-8")

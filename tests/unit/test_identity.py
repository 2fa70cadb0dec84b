"""Which ledger a folder belongs to."""

import stat
from pathlib import Path

import pytest

from ledger import identity
from ledger.errors import Damaged, NotFound, Unavailable
from ledger.settings import Settings
from tests.support.each import each

LEDGER = "c9b51e51-eaf0-422a-88e3-b1d06ef67af5"


def written(folder: Path, text: bytes) -> Path:
    file = folder / ".ledger" / "ledger.json"
    file.parent.mkdir()
    file.write_bytes(text)
    return folder


def test_two_folders_of_one_name_are_two_ledgers(tmp_path: Path) -> None:
    one, other = tmp_path / "a" / "app", tmp_path / "b" / "app"
    one.mkdir(parents=True)
    other.mkdir(parents=True)

    assert identity.create(one).name == identity.create(other).name == "app"
    assert identity.create(one).ledger != identity.create(other).ledger


def test_a_folder_keeps_the_ledger_that_was_minted_first(tmp_path: Path) -> None:
    assert identity.create(tmp_path, "first") == identity.create(tmp_path, "second")


def test_a_ledger_is_found_from_any_folder_below(tmp_path: Path) -> None:
    made = identity.create(tmp_path)
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)

    assert identity.find(below) == made


def test_only_the_owner_may_look_into_the_working_files(tmp_path: Path) -> None:
    settings = Settings(project=tmp_path, pgdata=tmp_path / "unused", home=tmp_path / "home")

    folder = identity.home(identity.create(tmp_path), settings)

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_folder_without_a_ledger_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as refused:
        identity.find(tmp_path)

    assert "tracking-ledger init" in refused.value.next_step


@each(
    "text",
    [
        b"",
        b"[]",
        b"{}",
        b'{"ledger": 5, "name": "x"}',
        b'{"ledger": "no uuid", "name": "x"}',
        f'{{"ledger": "{LEDGER}"}}'.encode(),
        f'{{"ledger": "{LEDGER}", "name": "a\\u0000b"}}'.encode(),
        f'{{"ledger": "{LEDGER}", "name": "{"x" * 1000}"}}'.encode(),
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_a_file_that_holds_no_identity_is_named(tmp_path: Path, text: bytes) -> None:
    with pytest.raises(Damaged) as refused:
        identity.find(written(tmp_path, text))

    assert str(tmp_path / ".ledger" / "ledger.json") in refused.value.message
    assert "version control" in refused.value.next_step


def test_a_byte_order_mark_does_not_matter(tmp_path: Path) -> None:
    text = f'{{"ledger": "{LEDGER}", "name": "x"}}'.encode("utf-8-sig")

    assert str(identity.find(written(tmp_path, text)).ledger) == LEDGER


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / ".ledger").write_text("a file where the folder should be")

    with pytest.raises(Unavailable) as refused:
        identity.create(tmp_path)

    assert str(tmp_path / ".ledger") in refused.value.message

"""Many small cases of one rule in one test: what pytest does around a test takes longer than such a case does."""

import inspect
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

import pytest

FAILURES = (Exception, pytest.fail.Exception, pytest.skip.Exception)  # of many cases none is left out unseen
LONGEST = 300  # characters of a value in the note on a failure

Test = Callable[..., None]


def each(
    names: str | tuple[str, ...], cases: Iterable[Any], ids: Sequence[str] | None = None
) -> Callable[[Test], Test]:
    """As `pytest.mark.parametrize`, in one test: all cases are tried, and each that fails is shown with its values or,
    if `ids` are given, with its id.

    A `tmp_path` is a folder of the case's own. Any other fixture is one for all cases, so it must be one that they
    leave as it was.
    """
    rows = [_row(names, case) for case in cases]
    assert rows, "there is no case to try"
    assert ids is None or len(ids) == len(rows), f"{len(ids)} ids for {len(rows)} cases"

    def over_all(test: Test) -> Test:
        signature = inspect.signature(test)
        given = [parameter for name, parameter in signature.parameters.items() if name not in rows[0]]

        @wraps(test)
        def tried(**fixtures: Any) -> None:
            failures = []
            for number, row in enumerate(rows):
                try:
                    test(**_own_folder(fixtures, number), **row)
                except FAILURES as failure:
                    failure.add_note(f"with {ids[number] if ids else _values(row)}")
                    failures.append(failure)
            if failures:
                raise BaseExceptionGroup(f"{len(failures)} of {len(rows)} cases failed", failures)

        del tried.__wrapped__  # else pytest would ask for the parameters of the cases
        tried.__signature__ = signature.replace(parameters=given)  # type: ignore[attr-defined]
        return tried

    return over_all


def _row(names: str | tuple[str, ...], case: Any) -> dict[str, Any]:
    return {names: case} if isinstance(names, str) else dict(zip(names, case, strict=True))


def _values(row: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}"[:LONGEST] for name, value in row.items())


def _own_folder(fixtures: dict[str, Any], number: int) -> dict[str, Any]:
    if "tmp_path" not in fixtures:
        return fixtures
    folder: Path = fixtures["tmp_path"] / f"case-{number}"
    folder.mkdir()
    return fixtures | {"tmp_path": folder}

"""The records in what GitHub answers: lists, pages of lists, connections of GraphQL, items of a project, archives."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from msgspec import Struct

from ledger.importing.readers.text.json_records import Fields

PULLS = ("pulls", "pullRequests", "pull_requests", "pullRequest", "pull_request")
WITHIN = ("data", "repository", "organization", "user", "viewer", "node", "search", "edges", "nodes", "items")
ISSUES = ("issues", "issue")
_SNAKE = re.compile(r"(?<=[a-z])(?=[A-Z])")
_ADDRESS = re.compile(r"https?://[^/]+/(?:repos/)?([^/]+/[^/]+)/(?:issues|pull|pulls)/(\d+)")
_REPOSITORY = re.compile(r"https?://[^/]+/(?:repos/)?([^/]+/[^/]+?)/?")


class Answered(Struct, frozen=True, kw_only=True):
    """A record with its place in the file, its name (`owner/repo#7`), and whether it stands among pull requests."""

    place: str
    record: Any
    name: str | None
    is_pull: bool


def answered(whole: Any, place: str = "", repository: str = "", *, is_pull: bool = False) -> Iterator[Answered]:
    """Every record of a document, in its order. `repository` is that of records which do not say their own."""
    whole = _of_project(whole)
    if isinstance(whole, list):
        for number, entry in enumerate(whole, 1):
            yield from answered(entry, f"{place or 'entry'} {number}", repository, is_pull=is_pull)
        return
    found = _within(whole)
    if not found:
        if place or _is_record(whole):
            yield Answered(place=place or "entry 1", record=whole, name=name_of(whole, repository), is_pull=is_pull)
        return
    repository = whole["repo"] if isinstance(whole.get("repo"), str) else repository_of(whole) or repository
    for name in found:
        below = name if name in (*ISSUES, *PULLS) or not place else place
        yield from answered(whole[name], below, repository, is_pull=is_pull or name in PULLS)


def is_answer(whole: Any) -> bool:
    """Whether a document may hold records, however many it has."""
    return isinstance(whole, list) or _is_record(whole) or bool(_within(whole))


def is_part(whole: Any) -> bool:
    """Whether the last page of a list in a document says that the list goes on."""
    pages: dict[str, list[Fields]] = {}
    _collect(whole, "", pages)
    return any(is_cut(found[-1], sum(len(listed(page)) for page in found)) for found in pages.values())


def name_of(record: Any, repository: str = "") -> str | None:
    """What an issue is known by: its repository, as far as it is known, and its number."""
    if not isinstance(record, dict):
        return None
    address = address_of(record)
    number = record.get("number", address[2] if address else None)
    if type(number) is not int and not (isinstance(number, str) and number.isdecimal()):
        return None
    return f"{repository_of(record) or repository or (address[1] if address else '')}#{int(number)}"


def address_of(record: Fields) -> re.Match[str] | None:
    """The repository and the number in the address of an issue or a pull request."""
    return _ADDRESS.match(str(record.get("html_url") or record.get("url") or ""))


def repository_of(record: Fields) -> str | None:
    """The `owner/repo` that a record names beside its own address."""
    repository = record.get("repository") or record.get("repository_url")
    if isinstance(repository, dict):
        repository = repository.get("nameWithOwner") or repository.get("full_name")
    if not isinstance(repository, str):
        return None
    address = _REPOSITORY.fullmatch(repository)
    return address[1] if address else repository if repository.count("/") == 1 else None


def listed(value: Any) -> list[Any]:
    """A list as REST and archives have it, or GraphQL's nodes, by themselves or at edges."""
    if not isinstance(value, dict):
        return value if isinstance(value, list) else []
    edges = value.get("edges")
    if isinstance(edges, list):
        return [edge.get("node") if isinstance(edge, dict) else edge for edge in edges]
    return next((value[name] for name in ("nodes", "items") if isinstance(value.get(name), list)), [])


def is_cut(value: Any, known: int) -> bool:
    """Whether a list, of which `known` entries are there, is longer."""
    if not isinstance(value, dict):
        return False
    page, total = value.get("pageInfo"), value.get("totalCount", value.get("total_count"))
    return (isinstance(page, dict) and page.get("hasNextPage") is True) or (type(total) is int and total > known)


def board_words(record: Fields) -> list[str]:
    """The columns of projects in which an issue is."""
    projects = [one.get("status") for one in listed(record.get("project_items")) if isinstance(one, dict)]
    names = [status.get("name") if isinstance(status, dict) else status for status in (record.get("status"), *projects)]
    return [name for name in names if isinstance(name, str) and name]


def login(person: Any) -> str | None:
    """A person's name, said by itself, within an object or at the end of an address."""
    name = person.get("login") if isinstance(person, dict) else person
    return _last(name) if isinstance(name, str) and name else None


def label(given: Any) -> Any:
    """A label's name, said in the same ways."""
    name = given.get("name") if isinstance(given, dict) else given
    return _last(name) if isinstance(name, str) else name


def _of_project(whole: Any) -> Any:
    """An item of a project as one record: the issue that is its content, with what the project says of it."""
    content = whole.get("content") if isinstance(whole, dict) else None
    if not isinstance(content, dict):
        return whole
    return {name: value for name, value in whole.items() if name != "content"} | content


def _within(whole: Any) -> list[str]:
    """Under which names an answer holds more."""
    if not isinstance(whole, dict) or _is_record(whole) or "title" in whole:
        return []
    return [name for name in (*WITHIN, *ISSUES, *PULLS) if isinstance(whole.get(name), (dict, list))]


def _collect(whole: Any, under: str, pages: dict[str, list[Fields]]) -> None:
    if isinstance(whole, list):
        for entry in whole:
            _collect(entry, under, pages)
    elif found := _within(whole):
        if {"edges", "nodes", "items"}.intersection(found):
            pages.setdefault(under, []).append(whole)
        for name in found:
            _collect(whole[name], name, pages)


def _is_record(whole: Any) -> bool:
    return isinstance(whole, dict) and ("number" in whole or (address_of(whole) is not None and "title" in whole))


def _last(name: str) -> str:
    return unquote(name.rpartition("/")[2]) if re.match(r"https?://[^/]+/.", name) else name


def is_pull_request(record: Fields) -> bool:
    address = address_of(record)
    is_marked = record.get("pull_request") or record.get("isPullRequest") or record.get("__typename") == "PullRequest"
    return bool(is_marked) or (address is not None and "/pull/" in address[0])


def with_state(record: Fields) -> Fields:
    """A record without a state has one where it says whether, or when, it was closed."""
    closed = [record[name] for name in ("closed", "closed_at") if name in record]
    if record.get("state") or not closed:
        return record
    return record | {"state": "closed" if any(closed) else "open"}


def snake(record: Fields) -> Fields:
    """The fields in REST's spelling."""
    return {_SNAKE.sub("_", name).lower(): value for name, value in record.items()}

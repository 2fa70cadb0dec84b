"""A board that Trello exports as JSON: cards in lists, with checklists, and the comments among the actions.

A card is known by its short link, `A03RikYI`. When it was made is written in the first eight digits of its id. Of its
actions an export has the last 1,000 of the board: older comments are counted and not there.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from ledger.aggregates.work_item.commands import Stated
from ledger.aggregates.work_item.imported.partial_records import STATE
from ledger.importing.readers.reading import Reading, time_of
from ledger.importing.readers.record import CLOSED, Record
from ledger.importing.readers.sample import Sample
from ledger.importing.readers.source_item import SourceComment, SourceItem, left_out, reader
from ledger.importing.readers.text.json_records import Fields, filled, records_of, text_at
from ledger.importing.readers.text.json_text import as_storable, document
from ledger.importing.readers.text_lines import unreadable
from ledger.importing.readers.words.status_words import category_of
from ledger.values.finding import Finding
from ledger.values.moment import text
from ledger.values.states import FINISHED, Category

SOURCE = "trello"
COMMENTS = ("commentCard", "copyCommentCard")
MADE = ("createCard", "copyCard", "convertToCardFromCheckItem", "emailCard", "moveCardToBoard")
CARD_LIST = "source_list"  # the key of the metadata under which the name of a card's list is kept
DERIVED = ("badges", "limits", "checkItemStates", "idChecklists", "idLabels", "idList", "idBoard", "descData")
REFINING = ("closed", "dueComplete", "isTemplate")
SAID_BY = {
    "title": ("name",),
    "description": ("desc",),
    "tags": ("labels",),
    "due": ("due",),
    "not_before": ("start",),
    "comments": ("badges",),
    "metadata.source_updated_at": ("dateLastActivity",),
}
LISTED = ("idList", "board.lists")
CHECKED = ("acceptance", "acceptance_checked", "checklists", "planned_check_items")
CUSTOM = "custom_fields"  # the key of the metadata under which the board's own fields are kept by their names
PARTS = ("lists", "actions", "checklists", "members", "customFields")
SAID_TOGETHER = {
    "assignee": ("idMembers", "board.members"),
    "metadata.members": ("idMembers", "board.members"),
    "status": LISTED,
    f"metadata.{CARD_LIST}": LISTED,
    f"metadata.{CUSTOM}": ("customFieldItems", "board.customFields"),
    **{f"metadata.{name}": ("board.checklists",) for name in CHECKED},
}
_SECONDS = 8  # hexadecimal digits of an id that are its time


def recognises(sample: Sample) -> bool:
    """Recognised by the short links of a board that says how its labels are called, or whose lists its cards name.

    Boards of 2012 have addresses and no short links.
    """
    address = r'"(?:shortLink|shortUrl)"\s*:\s*"|"url"\s*:\s*"https://trello\.com/'
    board = sample.begins(r"\{") and sample.holds(address)
    return board and sample.holds(r'"(?:idList|labelNames|memberships)"\s*:')


def records(path: Path, reading: Reading) -> Iterator[SourceItem]:
    whole, _ = document(path)
    board = _Board(as_storable(whole)[0], path)
    for place, card in records_of(path, reading, lambda whole: whole["cards"]):
        if isinstance(card.get("id"), str):
            yield replace(_Card(card, board, reading).item(), place=place)
        else:
            left_out(reading, "no_id", place)
    if board.others:
        reading.warnings.append(Finding("history_not_taken", f"{board.others} actions of {board.name or path.name}"))


read = reader(SOURCE, "Trello card", records)


class _Board:
    """What one card may have to know of the others."""

    def __init__(self, whole: Any, path: Path) -> None:
        if not isinstance(whole, dict) or not isinstance(whole.get("cards"), list):
            raise unreadable(path, None, "holds no cards: it is no board", "export the board as JSON, in its menu")
        self.name = text_at(whole, "name")
        self.parts = {f"board.{name}" for name in PARTS if isinstance(whole.get(name), list)}
        self.lists = _by_id(whole, "lists")
        self.members = _by_id(whole, "members")
        self.fields = _by_id(whole, "customFields")
        self.checklists: dict[str, list[Fields]] = {}
        for checklist in _in_order(_objects(whole, "checklists")):
            self.checklists.setdefault(str(checklist.get("idCard")), []).append(checklist)
        self.actions: dict[str, list[Fields]] = {}
        self.others = 0
        for action in _objects(whole, "actions"):
            card = text_at(action, "data", "card", "id")
            self.actions.setdefault(card or "", []).append(action)
            self.others += action.get("type") not in COMMENTS


class _Card(Record):
    """One card on its way."""

    def __init__(self, card: Fields, board: _Board, reading: Reading) -> None:
        self._id: str = card["id"]
        self._counted = card.get("badges", {}).get("comments") if isinstance(card.get("badges"), dict) else None
        self._list = board.lists.get(str(card.get("idList")), {})
        super().__init__(text_at(card, "shortLink") or self._id, filled(card), reading)
        self._names = {*card, *board.parts}
        self._board = board
        for name in DERIVED:
            self.rest.pop(name, None)
        self._actions = board.actions.get(self._id, [])
        self._checklists = board.checklists.get(self._id, [])

    def item(self) -> SourceItem:
        word, category = self._state()
        changed_at = self.time("dateLastActivity")
        ended_at = self._ended_at() if category in FINISHED else None
        start, due = self.time("start"), self.time("due")
        self.own |= {CARD_LIST: self._list.get("name")} if self._list.get("name") else {}
        self.own |= {"board": self._board.name} if self._board.name else {}
        self._acceptance()
        self._custom_fields()
        return SourceItem(
            id=self.name,
            title=self.text("name") or "",
            status=word,
            category=category,
            description=self.text("desc"),
            assignee=self._assignee(),
            tags=self._labels(),
            created_at=self._created_at(),
            created_by=next((_author(action) for action in self._actions if action.get("type") in MADE), None),
            changed_at=changed_at,
            ended_at=ended_at,
            due=text(due) if due else None,
            not_before=text(start) if start else None,
            comments=self._comments() if "board.actions" in self._names else None,
            comments_missing=self._comments_missing(),
            stated=self._stated(is_sure=ended_at is not None or category not in FINISHED),
            more=self.rest,
            kept=self.own,
        )

    def _stated(self, *, is_sure: bool) -> Stated:
        """An export has no action of a card that ended long ago; then it does not state when that was."""
        ended: Fields = {f"metadata.{CLOSED}": ("idList", *REFINING)} if is_sure else {}
        return self.stated(self._names, SAID_BY, all_of=SAID_TOGETHER | ended, refining=REFINING)

    def _state(self) -> tuple[str, Category | None]:
        """The list is the state; a mark of completion and the archive say more."""
        word = str(self._list.get("name") or "")
        category = category_of(word)
        finer = self._finer(is_finished=category in FINISHED)
        self.own |= {STATE: word} if finer and word else {}
        return finer or (word, category)

    def _finer(self, *, is_finished: bool) -> tuple[str, Category] | None:
        if self.rest.get("dueComplete") is True and not is_finished:
            return "complete", "done"
        if (self.rest.get("closed") is True or self._list.get("closed") is True) and not is_finished:
            return "archived", "dropped"
        return ("template", "waiting") if self.rest.get("isTemplate") is True else None

    def _ended_at(self) -> datetime | None:
        """When it came to its list, was marked as complete, or was archived: the newest of these that is known."""
        moments = [
            time_of(action.get("date"))
            for action in self._actions
            if action.get("type") == "updateCard"
            and isinstance(data := action.get("data"), dict)
            and isinstance(old := data.get("old"), dict)
            and old.keys() & {"idList", "dueComplete", "closed"}
        ]
        return max((at for at in moments if at is not None), default=None)

    def _created_at(self) -> datetime | None:
        try:
            return datetime.fromtimestamp(int(self._id[:_SECONDS], 16), UTC)
        except (ValueError, OverflowError, OSError):
            return None

    def _assignee(self) -> str | None:
        """The first member; all of them stay with their names."""
        ids = self.rest.pop("idMembers", [])
        members = [self._board.members.get(str(one), {"id": one}) for one in (ids if isinstance(ids, list) else [])]
        names = [name for member in members if (name := text_at(member, "username") or text_at(member, "fullName"))]
        if members:
            parts = ("id", "username", "fullName")
            self.own["members"] = [{part: member[part] for part in parts if part in member} for member in members]
        return names[0] if names else None

    def _labels(self) -> tuple[str, ...]:
        given = self.rest.get("labels")
        labels = [label for label in given if isinstance(label, dict)] if isinstance(given, list) else []
        names = [text_at(label, "name") or text_at(label, "color") or "" for label in labels]
        self.rest["labels"] = list(filter(None, names))
        tags: tuple[str, ...] = self.tags("labels").get("tags", ())
        if labels:
            self.rest["labels"] = given
        return tags

    def _acceptance(self) -> None:
        """The entries of all checklists, and the numbers of those that are checked."""
        entries = [entry for checklist in self._checklists for entry in _in_order(_objects(checklist, "checkItems"))]
        if not entries:
            return
        self.own["acceptance"] = [str(entry.get("name", "")) for entry in entries]
        checked = [place for place, entry in enumerate(entries, 1) if entry.get("state") == "complete"]
        self.own["acceptance_checked"] = checked
        self.own["checklists"] = [
            {"name": checklist.get("name"), "items": len(_objects(checklist, "checkItems"))}
            for checklist in self._checklists
        ]
        planned = [entry for entry in entries if entry.get("due") or entry.get("idMember")]
        if planned:
            parts = ("name", "due", "idMember")
            self.own["planned_check_items"] = [{part: entry.get(part) for part in parts} for entry in planned]

    def _custom_fields(self) -> None:
        """The board's own fields by their names, and options by their text, where a card says ids."""
        found = [
            {"name": field.get("name"), "value": _custom_value(entry, field)}
            for entry in _objects(self.rest, "customFieldItems")
            if (field := self._board.fields.get(str(entry.get("idCustomField"))))
        ]
        self.own |= {CUSTOM: found} if found else {}

    def _comments_missing(self) -> bool:
        return isinstance(self._counted, int) and self._counted > len(self._comment_actions())

    def _comment_actions(self) -> list[Fields]:
        return [action for action in self._actions if action.get("type") in COMMENTS]

    def _comments(self) -> tuple[SourceComment, ...]:
        return tuple(
            SourceComment(
                text=text,
                by=_author(action),
                at=time_of(action.get("date")),
                corrected_at=time_of(text_at(action, "data", "dateLastEdited")),
                id=text_at(action, "id") or None,
            )
            for action in sorted(self._comment_actions(), key=lambda action: str(action.get("date")))
            if (text := text_at(action, "data", "text"))
        )


def _author(action: Fields) -> str | None:
    return text_at(action, "memberCreator", "username") or text_at(action, "memberCreator", "fullName")


def _objects(whole: Fields, name: str) -> list[Fields]:
    given = whole.get(name)
    return [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []


def _custom_value(entry: Fields, field: Fields) -> Any:
    """What is chosen from a list, or the one value under the name of its kind."""
    chosen = _by_id(field, "options").get(str(entry.get("idValue")))
    given = chosen.get("value") if chosen else entry.get("value")
    return next(iter(given.values()), None) if isinstance(given, dict) else given


def _by_id(whole: Fields, name: str) -> dict[str, Fields]:
    return {str(one.get("id")): one for one in _objects(whole, name)}


def _in_order(entries: list[Fields]) -> list[Fields]:
    places = [entry.get("pos") for entry in entries]
    return (
        sorted(entries, key=lambda entry: entry["pos"]) if all(type(one) in (int, float) for one in places) else entries
    )

"""One record of a source on its way: what is understood is taken out of it, and nothing of the rest is lost."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from ledger.aggregates.work_item.commands import Stated
from ledger.aggregates.work_item.imported.kept_links import KEPT_UNDER
from ledger.aggregates.work_item.imported.older_records import LAST_CHANGE, LIST
from ledger.aggregates.work_item.imported.partial_records import SOURCE_FIELDS, STATE, STATUS
from ledger.aggregates.work_item.imported.renamed_records import CLOSED_AT
from ledger.importing.readers.reading import Reading, time_of
from ledger.importing.readers.words.status_words import category_of
from ledger.values.dates import MOST_MINUTES, planned
from ledger.values.finding import Finding
from ledger.values.moment import text
from ledger.values.states import LONGEST, Category

ZERO_TIME = "0001-"  # what Go writes for "never"
LONGEST_TAG = 200  # characters; a longer label is kept in the metadata only
_PRIORITIES = {  # those of Jira and Plane in the languages of its columns, too
    1: "p0, p1, critical, highest, urgent, blocker, höchste, sehr hoch, kritisch, dringend, más alta, muy alta, máxima,"
    " crítica, crítico, urgente, le plus élevé, la plus élevée, très élevée, critique, bloquant, bloquante, mais alta,"
    " muito alta, критический, блокирующий, наивысший, più alta, altissima, hoogste, najwyższy, krytyczny, 最高, 紧急,"
    " 緊急, 가장 높음, 긴급",
    2: "high, major, hoch, alta, alto, élevé, élevée, haute, majeur, majeure, высокий, hoog, wysoki, 高, 높음",
    3: "p2, medium, normal, mittel, media, medio, mediana, média, médio, moyen, moyenne, normale, средний, gemiddeld,"
    " średni,"
    " 中, 중간, 보통",
    4: "p3, low, minor, niedrig, gering, baja, bajo, baixa, baixo, faible, basse, mineur, mineure, низкий, bassa,"
    " basso, laag,"
    " niski, 低, 낮음",
    5: "p4, lowest, trivial, niedrigste, sehr niedrig, más baja, muy baja, mínima, le plus faible, la plus faible,"
    " très faible, mais baixa, muito baixa, triviale, наименьший, più bassa, laagste, najniższy, 最低, 가장 낮음",
}
PRIORITIES = {word: number for number, words in _PRIORITIES.items() for word in words.split(", ")}
UNRANKED = (
    "none",
    "no priority",
    "undefined",
    "unprioritized",
    "keine",
    "ninguna",
    "aucune",
    "nenhuma",
)  # words for no priority at all
DUE = ("due_at", "due_date", "dueDate", "due", "deadline")  # names under which sources have such a day
NOT_BEFORE = ("defer_until", "deferUntil", "not_before")
MINUTES, HOURS = ("estimated_minutes", "estimatedMinutes"), ("estimated_hours", "estimatedHours")
CLOSED, DELETED = CLOSED_AT, "source_deleted_at"  # when it came to its end, by the source
RESERVED = (  # names in the metadata that a source's own fields cannot have
    SOURCE_FIELDS,
    KEPT_UNDER,
    LAST_CHANGE,
    LIST,
    CLOSED,
    DELETED,
)

Fields = Mapping[str, Iterable[str]]
Kind = TypeVar("Kind")


class Record:
    """`rest` is what was not taken yet, `own` our names for what was; `name` is what the findings about it say."""

    def __init__(self, name: str, rest: dict[str, Any], reading: Reading) -> None:
        self.name = name
        self.rest = rest
        self.own: dict[str, Any] = {}
        self.reading = reading
        self.unread: set[str] = set()  # fields that say something which is not understood

    def stated(
        self,
        names: Iterable[str],
        by: Fields,
        *,
        all_of: Fields | None = None,
        refining: Iterable[str] = (),
        marks: Iterable[str] = (),
        roughly: dict[str, tuple[tuple[str, ...], ...]] | None = None,
    ) -> Stated:
        """What a record states that has fields of these `names`, empty ones too.

        `by` are the fields of the source one of which says a field of ours, `all_of` those that say it together, and
        `refining` those without which a status may be said more plainly than elsewhere; `marks` show that it changed.
        What is not understood says nothing.
        """
        given = set(names)
        understood = given - self.unread
        fields = {field for field, fields_of_source in by.items() if not understood.isdisjoint(fields_of_source)}
        fields |= {
            field for field, fields_of_source in (all_of or {}).items() if understood.issuperset(fields_of_source)
        }
        shown: list[tuple[str, ...]] = [(STATE, STATUS), *((name,) for name in (*refining, *marks))]
        rough = {} if given.issuperset(refining) else {"status": tuple(shown)}
        return Stated(names=frozenset(fields | {f"metadata.{name}" for name in given}), roughly=rough | (roughly or {}))

    def text(self, field: str) -> str | None:
        return self.pop(field, str)

    def pop(self, field: str, kind: type[Kind]) -> Kind | None:
        """The field's value when it is of that very kind; else it stays among the rest."""
        value = self.rest.get(field)
        if type(value) is kind:
            del self.rest[field]
            return value
        if value is not None:
            self.unread.add(field)
            self.warn("field_not_understood", f": {field}")
        return None

    def time(self, field: str) -> datetime | None:
        """A time is taken when it is one; else it stays, as found, among the rest."""
        moment = time_of(self.rest.get(field))
        if moment is not None:
            del self.rest[field]
        elif self.rest.get(field):
            self.unread.add(field)
            self.warn("time_not_understood", f": {field}")
        return moment

    def ended(self, field: str, ours: str, created_at: datetime) -> datetime | None:
        """When it was closed or deleted. The time is kept, since no event can tell of one before the creation."""
        moment = self.time(field)
        if moment is not None:
            self.own[ours] = text(moment)
        if moment is not None and moment < created_at:
            self.warn("ended_before_it_began", f": {field} {text(moment)}")
        return moment

    def plans(self) -> dict[str, Any]:
        """When it is due and may begin, and what it should take, where a field says so in a way that is understood."""
        found = {
            "due": self._planned_day(DUE),
            "not_before": self._planned_day(NOT_BEFORE),
            "estimate": self._estimate(),
        }
        return {name: value for name, value in found.items() if value is not None}

    def _planned_day(self, names: Iterable[str]) -> str | None:
        for field in names:
            value = self.rest.get(field)
            if not value or (isinstance(value, str) and value.startswith(ZERO_TIME)):
                continue
            try:
                day = planned(str(value))
            except ValueError:
                self.warn("time_not_understood", f": {field}")
                continue
            del self.rest[field]
            return day
        return None

    def _estimate(self) -> int | None:
        """Whole minutes; what is none stays among the rest."""
        for names, minutes in ((MINUTES, 1), (HOURS, 60)):
            for field in names:
                value: Any = self.rest.get(field)
                if type(value) in (int, float) and (value * minutes) % 1 == 0 and 0 < value * minutes <= MOST_MINUTES:
                    del self.rest[field]
                    return int(value * minutes)
        return None

    def state(self, word: str, known: Category | None = None) -> tuple[str, Category | None]:
        """A status of ours for the source's word. One that no rule knows waits, so that it is not handed out."""
        category = known or category_of(word)
        if not word.strip():
            self.warn("no_status")
            return "active", None
        if category is None:
            self.warn("unknown_status", f": {word[:50]}")
        return word.strip()[:LONGEST], category or "waiting"

    def tags(self, field: str, more: Iterable[str] = ()) -> dict[str, Any]:
        """The labels of a field as tags. It stays among the rest when they do not say all that it says."""
        labels = self.rest.get(field)
        found = labels if isinstance(labels, list) else []
        if labels and found is not labels:
            self.warn("field_not_understood", f": {field}")
        written = [label.strip().lower() for label in (*more, *found) if isinstance(label, str)]
        kept = tuple(dict.fromkeys(tag for tag in written if 0 < len(tag) <= LONGEST_TAG))
        if any(not isinstance(label, str) or not 0 < len(label.strip()) <= LONGEST_TAG for label in found):
            self.warn("label_not_a_tag")
        if all(label in kept for label in found) and isinstance(labels, list) and len(set(found)) == len(found):
            del self.rest[field]
        return {"tags": kept} if kept else {}

    def priority(self, field: str) -> dict[str, Any]:
        """A priority given as a word, which is kept."""
        word = self.text(field)
        if not word:
            return {}
        self.own["source_priority"] = word
        if word.strip().lower() in UNRANKED:
            return {}
        if word.strip().lower() not in PRIORITIES:
            self.warn("unknown_priority", f": {word[:50]}")
            return {}
        return {"priority": PRIORITIES[word.strip().lower()]}

    def estimate(self, minutes: int | None) -> dict[str, Any]:
        """An estimate in minutes. One that no estimate of ours can be is kept as a text."""
        if minutes is None or 1 <= minutes <= MOST_MINUTES:
            return {"estimate": minutes} if minutes else {}
        self.own["source_estimate"] = f"{minutes} minutes"
        self.warn("estimate_out_of_range", f": {str(minutes)[:30]} minutes")
        return {}

    def metadata(self) -> dict[str, Any]:
        """What is left, and what is our own; a field of the source that has a name of ours is kept beside it."""
        own = {name: value for name, value in self.own.items() if value is not None}
        ours = {*own, *RESERVED}
        clashing = {field: value for field, value in self.rest.items() if field in ours}
        rest = {field: value for field, value in self.rest.items() if field not in ours}
        return rest | own | ({SOURCE_FIELDS: clashing} if clashing else {})

    def warn(self, kind: str, more: str = "") -> None:
        self.reading.warnings.append(Finding(kind, self.name + more))

"""Which events of the log are wanted."""

from msgspec import Struct

from ledger.envelope import RecordedEvent, category_of, id_of


class EventFilter(Struct, frozen=True, kw_only=True):
    """All that is given must hold. `kinds` are types and categories, `entities` ids, `people` names."""

    kinds: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()
    people: tuple[str, ...] = ()

    def matches(self, event: RecordedEvent) -> bool:
        category = category_of(event.stream_id)
        return (
            (not self.kinds or event.type in self.kinds or category in self.kinds)
            and (not self.types or event.type in self.types)
            and (not self.categories or category in self.categories)
            and (not self.entities or id_of(event.stream_id) in self.entities)
            and (not self.people or event.by in self.people)
        )

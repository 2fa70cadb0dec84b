"""Writes docs/events.md from the facts themselves: `python docs/make_events.py`. A test says when it is out of date."""

import inspect
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import get_type_hints

import msgspec

from ledger.aggregates.decider import Decider
from ledger.annotation.events import ANNOTATION_FACTS
from ledger.catalog import DECIDERS, TOPICS
from ledger.codec import schema_of
from ledger.envelope import MARKS, Fact

HEAD = """# Events

Generated from the code by `python docs/make_events.py`. Every event of the log has the columns of
`sql/migrations/0002_events.sql`; `data` is one of the shapes below as JSON, with absent fields left out. Any of them
may carry `also`: fields that the same command revised (`{"also": {"notes": {"old": null, "new": "done"}}}`), and
`rebased_from`: the version on which a queued command was decided that was recorded on a later one. An event whose
type or schema a program does not know is carried along, never interpreted.
"""


def catalogue() -> str:
    parts = (part for decider in DECIDERS.values() for part in _category(decider))
    return HEAD + "".join([*parts, *_section("every category but configuration", ANNOTATION_FACTS)])


def _category(decider: Decider) -> Iterator[str]:
    return _section(decider.category, [fact for fact in decider.facts if fact not in ANNOTATION_FACTS])


def _section(title: str, facts: Iterable[type[Fact]]) -> Iterator[str]:
    yield f"\n## {title}\n"
    for fact in facts:
        yield f"\n### {fact.__name__}\n\n"
        yield f"Schema {schema_of(fact.__name__)}"
        topics = TOPICS.get(fact.__name__)
        yield f"; touches {', '.join(topics)}.\n" if topics else ".\n"
        if fact.__doc__ and not fact.__doc__.startswith(f"{fact.__name__}("):
            yield f"{inspect.cleandoc(fact.__doc__)}\n"
        yield from _fields(fact)


def _fields(fact: type[Fact]) -> Iterator[str]:
    hints = get_type_hints(fact)
    fields = [field for field in msgspec.structs.fields(fact) if field.name not in MARKS]
    if fields:
        yield "\n| field | type | when absent |\n| --- | --- | --- |\n"
    for field in fields:
        kind = hints[field.name]
        name = kind.__name__ if isinstance(kind, type) and not hasattr(kind, "__args__") else str(kind)
        yield f"| {field.name} | `{_plain(name)}` | {'required' if field.required else _default(field)} |\n"


def _plain(name: str) -> str:
    return re.sub(r"\b(typing|ledger)\.([a-z_]+\.)*", "", name).replace("|", "or")


def _default(field: msgspec.structs.FieldInfo) -> str:
    value = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    return f"`{value!r}`"


if __name__ == "__main__":
    (Path(__file__).parent / "events.md").write_text(catalogue(), encoding="utf-8")

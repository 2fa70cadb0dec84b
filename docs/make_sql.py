"""Writes the SQL that follows from the read models' declarations: `python docs/make_sql.py`.

A test says what is out of date. Whole files: sql/functions/columns_of_*, add_rows, put_rows, adjacent_ids and
alike_ids, and sql/cache/schema.sql, each from its template in docs/sql_templates. In other files what stands between
`-- generated: <name>` and `-- end` is replaced. Migrations are written by hand.
"""

import textwrap
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, assert_never

from ledger.aggregates.work_item.state import LINK_KINDS
from ledger.catalog import UNIQUE
from ledger.values.reference import SHORTEST
from projections.read_models.catalog import PROJECTIONS
from projections.read_models.columns import (
    WHOLE_MOMENT,
    Condition,
    Derived,
    EntryRange,
    Equal,
    Field,
    Filter,
    Flags,
    HasEntry,
    Index,
    Joined,
    Moment,
    derived,
    has_marks,
)
from projections.read_models.projection import Projection
from projections.read_models.work_items import TAG, work_items

SQL = Path(__file__).parent.parent / "sql"
TEMPLATES = Path(__file__).parent / "sql_templates"  # of the files that are generated whole
WIDTH = 124
ALIKE_DIGITS = SHORTEST * 5 // 4  # of two ids that their shortest references do not tell apart, these are the same
BEGIN, END = "-- generated: ", "-- end"
KEY = "ledger_id, generation, id"
MODELS: list[Projection[Any]] = list(PROJECTIONS.values())


def generated() -> dict[Path, str]:
    """Every file that is generated or holds something generated, as it should be."""
    files = {SQL / "functions" / f"columns_of_{model.name}.sql": columns_of(model) for model in MODELS if model.columns}
    for name, sentence in (("add_rows", ADD_ROWS), ("put_rows", PUT_ROWS)):
        cases = "".join(_written(model, _upsert(model) if name == "put_rows" else "") for model in MODELS)
        otherwise = OTHERWISE if name == "add_rows" else ""
        files[SQL / "functions" / f"{name}.sql"] = _filled(
            "rows", name=name, sentence=sentence, cases=cases, otherwise=otherwise
        )
    files[SQL / "functions" / "adjacent_ids.sql"] = _filled("adjacent_ids", cases="".join(map(_adjacent, MODELS)))
    files[SQL / "functions" / "alike_ids.sql"] = _filled("alike_ids", cases="".join(map(_alike, MODELS)))
    files[SQL / "cache" / "schema.sql"] = cache_schema()
    for file in sorted(SQL.rglob("*.sql")):
        text = file.read_text(encoding="utf-8")
        if file not in files and BEGIN in text:
            files[file] = _with_regions(text)
    return files


def columns_of(model: Projection[Any]) -> str:
    columns = derived(model.columns)
    returns = _wrapped([f"{column.name} {column.kind}" for column in columns], "RETURNS TABLE (", ")")
    values = _wrapped([_in_postgres(column) for column in columns], "    SELECT ")
    return _filled("columns_of", name=model.name, noun=model.name.replace("_", " "), returns=returns, values=values)


def cache_schema() -> str:
    tables = "".join(map(_cache_table, MODELS))
    selects = [ONE_OF_ALL.format(category=model.decider.category, name=model.name) for model in MODELS]
    selects[0] = selects[0].replace(",", " AS category,", 1)
    return _filled(
        "cache_schema",
        tables=tables,
        unique=_listed(UNIQUE),
        links=_listed(LINK_KINDS),
        things="\n    UNION ALL ".join(selects),
    )


def filters(model: Projection[Any], without: str = "") -> list[str]:
    """The conditions of a list of this read model and of its count, but for entries of one relation."""
    chosen = [one for one in model.filters if not isinstance(one, HasEntry) or one.relation != without]
    return [f"AND {_condition(model, one)}" for one in chosen]


REGIONS: dict[str, Callable[[], list[str]]] = {
    **{f"filters of {model.name}": lambda model=model: filters(model) for model in MODELS if model.filters},  # type: ignore[misc]
    "filters of work_items without the tag": lambda: filters(work_items, without=TAG),
    "a row": lambda: "".join(map(_one_row, MODELS)).splitlines(),
    "read models with marks": lambda: [
        f"AND p_projection IN ({_listed(m.name for m in MODELS if has_marks(m.columns))})"
    ],
    "link kinds": lambda: [f"AND link.relation IN ({_listed(LINK_KINDS)})"],
    "unique relations": lambda: [f"AND a ->> 1 IN ({_listed(UNIQUE)})"],
}


def _filled(template: str, **values: str) -> str:
    return (TEMPLATES / f"{template}.sql").read_text(encoding="utf-8").format(**values)


def _with_regions(text: str) -> str:
    return "".join(_lines(iter(text.splitlines(keepends=True))))


def _lines(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        yield line
        indent, begins, name = line.partition(BEGIN)
        if begins and not indent.strip():
            yield from (textwrap.indent(f"{part}\n", indent) for part in REGIONS[name.strip()]())
            yield next(line for line in lines if line.strip() == END)


def _condition(model: Projection[Any], one: Filter) -> str:
    alias = model.decider.category.split("_")[-1]
    match one:
        case Equal(column=name):
            kind = next(column.kind for column in model.columns if column.name == name)
            return f"(CAST(%({name})s AS {kind}) IS NULL OR {alias}.{name} = %({name})s)"
        case HasEntry(relation=relation, parameter=parameter):
            return ENTRY.format(
                parameter=parameter, alias=alias, model=model.name, relation=relation, target=f"= %({parameter})s"
            )
        case EntryRange(relation=relation, first=first, last=last):
            return ENTRY.format(
                parameter=first,
                alias=alias,
                model=model.name,
                relation=relation,
                target=f"BETWEEN %({first})s AND %({last})s",
            )
        case Condition(sql=sql):
            return sql
        case _:
            assert_never(one)


def _in_postgres(column: Derived) -> str:
    match column:
        case Field(kind="int" | "bigint"):
            return f"({_read(column)})::{column.kind}"
        case Moment(field=field, of_day=of_day, absent=absent):
            moment = f"left(p_doc ->> '{field}' || '{of_day}', {WHOLE_MOMENT})"
            return moment if absent is None else f"coalesce({moment}, '{absent}')"
        case Field():
            return _read(column) if column.absent is None else f"coalesce({_read(column)}, '{column.absent}')"
        case Flags(bits=bits):
            flags = (f"{_times(bit)}coalesce((p_doc ->> '{name}')::boolean, false)::int" for name, bit in bits.items())
            return "\n           + ".join(flags)  # below each other, in the list of columns
        case Joined(parts=parts):
            return " || ' ' || ".join(_part(_in_postgres(part)) for part in parts)
        case _:
            assert_never(column)


def _in_sqlite(column: Derived) -> str:
    match column:
        case Field(absent=None):
            return f"json_extract(doc, '$.{'.'.join(column.path)}')"
        case Field(absent=absent):
            return f"coalesce(json_extract(doc, '$.{'.'.join(column.path)}'), '{absent}')"
        case Moment(field=field, of_day=of_day, absent=absent):
            moment = f"substr(json_extract(doc, '$.{field}') || '{of_day}', 1, {WHOLE_MOMENT})"
            return moment if absent is None else f"coalesce({moment}, '{absent}')"
        case Flags(bits=bits):
            return " + ".join(f"{_times(bit)}coalesce(json_extract(doc, '$.{name}'), 0)" for name, bit in bits.items())
        case Joined(parts=parts):
            return " || ' ' || ".join(map(_in_sqlite, parts))
        case _:
            assert_never(column)


def _read(field: Field) -> str:
    *outer, last = field.path
    return "p_doc " + "".join(f"-> '{name}' " for name in outer) + f"->> '{last}'"


def _part(expression: str) -> str:
    return expression if expression.startswith("coalesce") else f"({expression})"


def _times(bit: int) -> str:
    return "" if bit == 1 else f"{bit} * "


def _written(model: Projection[Any], conflict: str) -> str:
    names = [column.name for column in derived(model.columns)]
    into = _wrapped([*KEY.split(", "), *_changing(model)], f"        INSERT INTO {model.name} (", ")", indent=12)
    first = "        SELECT p_ledger, p_generation, r.id, r.version, p_first + r.n, "
    values = _wrapped(["r.doc", *(f"c.{name}" for name in names)], first, indent=15)
    columns = f",\n             columns_of_{model.name}(r.doc) c" if names else ""
    searched = TERMS.format(conflict=TERMS_CONFLICT if conflict else "") if model.texts else ""
    return f"    WHEN '{model.name}' THEN\n{into}\n{values}\n{GIVEN}{columns}{conflict};\n{searched}"


def _upsert(model: Projection[Any]) -> str:
    updated = _wrapped(_changing(model), "            (", ") =", indent=12)
    excluded = _wrapped([f"excluded.{name}" for name in _changing(model)], "            (", ")", indent=12)
    return f"\n        ON CONFLICT ({KEY}) DO UPDATE SET\n{updated}\n{excluded}"


def _changing(model: Projection[Any]) -> list[str]:
    return ["version", "position", "doc", *(column.name for column in derived(model.columns))]


def _adjacent(model: Projection[Any]) -> str:
    if model.is_single:
        return ""
    return ADJACENT_CASE.format(name=model.name, others=OTHERS.format(name=model.name))


def _alike(model: Projection[Any]) -> str:
    if model.is_single:
        return ""
    return ALIKE_CASE.format(name=model.name, others=OTHERS.format(name=model.name), digits=ALIKE_DIGITS)


def _one_row(model: Projection[Any]) -> str:
    """How append_event writes a row whose columns come ready."""
    columns = [column.name for column in derived(model.columns)]
    assigned = f"    v_row := p_columns::{model.name};\n" if columns else ""
    into = _wrapped([*KEY.split(", "), *_changing(model)], f"        INSERT INTO {model.name} (", ")", indent=12)
    given = ["p_ledger", "v_generation", "v_id", "p_version", "v_position", "p_document"]
    values = _wrapped([*given, *(f"v_row.{name}" for name in columns)], "        VALUES (", ")", indent=12)
    new, changed = (NEW_TERMS, CHANGED_TERMS) if model.texts else ("", "")
    alike = "" if model.is_single else ALIKE.format(name=model.name, digits=ALIKE_DIGITS)
    return ONE_ROW.format(
        name=model.name, assigned=assigned, row=f"{into}\n{values}", new=new, changed=changed, alike=alike,
        conflict=_upsert(model),
    )  # fmt: skip


def _cache_table(model: Projection[Any]) -> str:
    columns = "".join(
        f"    {column.name} {column.kind} GENERATED ALWAYS AS ({_in_sqlite(column)}) STORED,\n"
        for column in derived(model.columns)
    )
    indexes = "".join(_cache_index(model, index) for index in model.indexes if not index.only_in_postgres)
    return CACHE_TABLE.format(name=model.name, columns=columns, key=KEY) + indexes


def _cache_index(model: Projection[Any], index: Index) -> str:
    where = f"\n    WHERE {index.where}" if index.where else ""
    columns = ", ".join(("ledger_id", "generation", *index.columns))
    return f"CREATE INDEX IF NOT EXISTS {index.name} ON {model.name} ({columns}){where};\n"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _wrapped(parts: list[str], first: str, last: str = "", *, indent: int | None = None) -> str:
    """`first`, the parts with commas between them, `last`; broken before WIDTH, further lines indented."""
    rest = " " * (len(first) if indent is None else indent)
    lines = [first]
    for number, part in enumerate(parts):
        word = part + ("," if number < len(parts) - 1 else last)
        if len(lines[-1]) + len(word) + 1 > WIDTH and lines[-1] not in (first, rest):
            lines.append(rest)
        lines[-1] += word if lines[-1] in (first, rest) else f" {word}"
    return "\n".join(lines)


ONE_OF_ALL = "SELECT '{category}', ledger_id, generation, id, version, position, doc FROM {name}"

ENTRY = """\
(CAST(%({parameter})s AS text) IS NULL OR {alias}.id IN (
    SELECT entry.id FROM entries entry
    WHERE entry.ledger_id = %(ledger)s AND entry.generation = %({model})s
      AND entry.relation = '{relation}' AND entry.target {target}))"""

GIVEN = """\
        FROM (SELECT unnest(p_ids) AS id, unnest(p_versions) AS version, unnest(p_ns) AS n, unnest(p_documents) AS doc) r"""

TERMS = """\
        IF array_remove(p_terms, NULL) <> '{{}}' THEN
            INSERT INTO work_item_terms (ledger_id, generation, id, terms)
            SELECT p_ledger, p_generation, r.id, r.terms::tsvector
            FROM (SELECT unnest(p_ids) AS id, unnest(p_terms) AS terms) r WHERE r.terms IS NOT NULL{conflict};
        END IF;
"""

TERMS_CONFLICT = f"\n            ON CONFLICT ({KEY}) DO UPDATE SET terms = excluded.terms"

ADD_ROWS = (
    "Adds rows that were not there, to one generation of one read model: they need no look for what they replace."
)
PUT_ROWS = "Puts rows of one read model into one generation, in the place of those that are there."

OTHERWISE = """\
EXCEPTION WHEN unique_violation THEN  -- a row that the log has no events of, as where a part of the log was lost
    RETURN put_rows(p_ledger, p_projection, p_generation, p_ids, p_versions, p_ns, p_terms, p_documents, p_first);
"""

ONE_ROW = """\
WHEN '{name}' THEN
{assigned}    IF p_is_new THEN
{new}{row}{alike};
    ELSE
{changed}{row}{conflict}{alike};
    END IF;
"""

NEW_TERMS = """\
        INSERT INTO work_item_terms (ledger_id, generation, id, terms) VALUES (p_ledger, v_generation, v_id, p_terms);
"""

CHANGED_TERMS = """\
        IF p_terms IS NOT NULL THEN
            INSERT INTO work_item_terms (ledger_id, generation, id, terms) VALUES (p_ledger, v_generation, v_id, p_terms)
            ON CONFLICT (ledger_id, generation, id) DO UPDATE SET terms = excluded.terms;
        END IF;
"""

ALIKE = """
        RETURNING (SELECT t.id FROM {name} t WHERE t.ledger_id = p_ledger AND t.generation = v_generation
                   AND t.id BETWEEN left(v_id, {digits}) AND left(v_id, {digits}) || 'g' AND t.id <> v_id ORDER BY t.id LIMIT 1)
        INTO v_alike"""

OTHERS = "(SELECT t.id FROM {name} t WHERE t.ledger_id = p_ledger AND t.generation = p_generation"

ADJACENT_CASE = """\
    WHEN '{name}' THEN
        SELECT {others}
                AND t.id < p_id ORDER BY t.id DESC LIMIT 1),
               {others}
                AND t.id > p_id ORDER BY t.id LIMIT 1)
        INTO before, after;
"""

ALIKE_CASE = """\
    WHEN '{name}' THEN
        SELECT json_object_agg(x.id, json_build_array(
            {others}
             AND t.id < x.id ORDER BY t.id DESC LIMIT 1),
            {others}
             AND t.id > x.id ORDER BY t.id LIMIT 1)))
        INTO v_alike FROM unnest(p_ids) x (id)
        WHERE {others}
               AND t.id BETWEEN left(x.id, {digits}) AND left(x.id, {digits}) || 'g' AND t.id <> x.id
               ORDER BY t.id LIMIT 1) IS NOT NULL;
"""

CACHE_TABLE = """\
CREATE TABLE IF NOT EXISTS {name} (
    ledger_id text NOT NULL, generation int NOT NULL, id text NOT NULL, version int NOT NULL, position int NOT NULL,
    doc text NOT NULL,
{columns}    PRIMARY KEY ({key})
) WITHOUT ROWID;
"""

if __name__ == "__main__":
    for path, text in generated().items():
        path.write_text(text, encoding="utf-8")

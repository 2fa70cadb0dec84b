"""What is written about the code is true of the code."""

import ast
import importlib
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import get_args

import pytest

from ledger import errors
from ledger.aggregates.work_item.commands import ItemCommand
from ledger.aggregates.work_item.events import WorkItemChange
from ledger.annotation.commands import AnnotationCommand, CommentCommand
from ledger.annotation.events import AnnotationFact
from ledger.catalog import COMMANDS, DECIDERS, FACTS
from ledger.envelope import Command, Fact, UnknownFact
from ledger.settings import ENVIRONMENT
from ledger.values.states import FINISHED, SUSPENDING, WORKABLE
from projections.application.layers import KINDS, Source, SourceKind
from projections.operations.catalog import OPERATIONS
from projections.operations.work.work_item_inputs import ListWorkItemsInput
from projections.questions.work.item_lists import SIFTED, WorkItemFilter
from projections.read_models.catalog import PROJECTIONS
from projections.read_models.work_items import HIDDEN
from projections.transfer.import_sources import SOURCES
from tests.support.each import each

ROOT = Path(__file__).parent.parent.parent


def test_the_events_catalogue_is_what_the_code_says() -> None:
    differs = (ROOT / "docs" / "events.md").read_text(encoding="utf-8") != maker("make_events").catalogue()

    assert not differs, "docs/events.md is not what the code says: python docs/make_events.py writes it"


def test_the_generated_sql_is_what_the_read_models_declare() -> None:
    files = maker("make_sql").generated()

    differing = [path.name for path, text in files.items() if path.read_text(encoding="utf-8") != text]
    assert differing == [], "not what the read models declare: python docs/make_sql.py writes them"


def test_the_numbers_that_questions_compare_hidden_with_follow_from_its_bits() -> None:
    """`hidden IN (0, 2)` means neither deleted nor withdrawn; such a literal is what the planner has an index for."""
    questions = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "sql" / "questions").rglob("*.sql"))

    lists = {f"(0, {HIDDEN['archived']})", f"(0, {HIDDEN['deleted']})"}
    masks = {str(HIDDEN["deleted"] | HIDDEN["withdrawn"])}
    assert HIDDEN.keys() == {"deleted", "archived", "withdrawn"}, "say of a new bit which questions leave it out"
    assert set(re.findall(r"hidden IN (\([\d, ]+\))", questions)) == lists
    assert set(re.findall(r"hidden & (\d+)", questions)) == masks
    assert set(re.findall(r"hidden = (\d+)", questions)) == {"0", str(HIDDEN["archived"])}


def test_the_categories_that_statements_compare_with_are_the_sets_that_the_rules_use() -> None:
    rooms = ("questions", "functions", "cache")
    texts = [file.read_text(encoding="utf-8") for room in rooms for file in (ROOT / "sql" / room).rglob("*.sql")]

    compared = {words for text in texts for words in re.findall(r"category (?:NOT )?IN \(('[^)]*)\)", text)}
    known = {", ".join(f"'{name}'" for name in names) for names in (WORKABLE, FINISHED, SUSPENDING)}
    assert compared == known, "write them as WORKABLE, FINISHED or SUSPENDING of ledger/values/states.py has them"


def test_a_filter_of_work_items_is_asked_by_the_question_and_the_operation() -> None:
    declared = set(re.findall(r"%\((\w+)\)s", " ".join(maker("make_sql").filters(PROJECTIONS["work_items"]))))
    declared -= {"ledger", "work_items", "moment", *("deleted", "archived", "both")}  # the time, and `hidden`
    asked = set(WorkItemFilter.__struct_fields__)

    assert declared == asked - set(SIFTED), "not in WorkItemFilter of projections/questions/work/item_lists.py"
    assert asked - set(ListWorkItemsInput.model_fields) == {"since", "asker", "terms"}, "not in the input"


def test_what_a_docstring_refers_to_is_there() -> None:
    rooms = ("ledger", "projections", "mcp_adapter")
    texts = [file.read_text(encoding="utf-8") for room in rooms for file in (ROOT / room).rglob("*.py")]
    named = {path for text in texts for path in re.findall(rf"[Ss]ee ((?:{'|'.join(rooms)})(?:\.\w+)+)", text)}

    assert named
    assert {path for path in named if not is_there(path)} == set()


def test_every_file_that_a_document_names_is_there() -> None:
    documents = [
        ROOT / "CONTRIBUTING.md",
        ROOT / "SECURITY.md",
        *(ROOT / "docs").glob("*.md"),
        ROOT / "specs/README.md",
    ]
    rooms = (
        "ledger",
        "projections",
        "mcp_adapter",
        "sql",
        "templates",
        "tests",
        "docs",
        "specs",
        "benchmarks",
        "examples",
    )
    files = [f"/{file.relative_to(ROOT)}" for room in rooms for file in (ROOT / room).rglob("*.*")]
    texts = {document.name: document.read_text(encoding="utf-8") for document in documents}
    named = {
        (name, path) for name, text in texts.items() for path in re.findall(r"`([\w/-]+\.(?:py|sql|j2|qnt))`", text)
    }

    assert len(named) > 100
    missing = {(name, path) for name, path in named if not any(file.endswith(f"/{path}") for file in files)}
    assert {(name, path) for name, path in missing if "NNNN" not in path} == set()


def is_there(path: str) -> bool:
    """Whether a module is at the path, or has what the last names of it say."""
    for length in range(path.count(".") + 1, 0, -1):
        place, names = ROOT.joinpath(*path.split(".")[:length]), path.split(".")[length:]
        if place.with_suffix(".py").is_file():
            module: object = importlib.import_module(".".join(path.split(".")[:length]))
            return all((module := getattr(module, name, None)) is not None for name in names)
        if place.is_dir():
            return not names
    return False


def maker(name: str) -> ModuleType:
    specification = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_every_fact_and_every_command_belongs_to_the_union_of_its_category() -> None:
    roots = {AnnotationFact, WorkItemChange, UnknownFact, AnnotationCommand, CommentCommand, ItemCommand}
    declared = {kind for root in (Fact, Command) for kind in kinds_of(root) if kind.__module__.startswith("ledger.")}

    assert {kind.__name__ for kind in declared - roots} == {*FACTS, *COMMANDS}


def test_every_command_is_sent_by_something() -> None:
    texts = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "projections").rglob("*.py"))
    unsent = sorted(set(COMMANDS) - set(re.findall(r"\w+", texts)))

    assert unsent == [], f"no module of projections sends {', '.join(unsent)}: an operation has to, or no caller can"


def kinds_of(root: type) -> Iterator[type]:
    for kind in root.__subclasses__():
        yield kind
        yield from kinds_of(kind)


def test_facts_are_named_in_the_past_tense() -> None:
    irregular = {
        f"{noun}Withdrawn"
        for noun in ("WorkItem", "Vendor", "Deployment", "Enhancement", "Command", "Comment", "Question")
    }
    irregular |= {"ConflictFound"}
    names = {fact.__name__ for decider in DECIDERS.values() for fact in decider.facts}

    assert {name for name in names if not name.endswith("ed")} <= irregular


def test_every_error_has_a_code_of_its_own_and_stands_in_the_drawing() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.LedgerError)]

    assert len({kind.code for kind in kinds}) == len(kinds)
    assert all(kind.__name__ in (errors.__doc__ or "") for kind in kinds)


def test_every_setting_is_in_the_operations_guide() -> None:
    guide = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")

    assert {name for name in ENVIRONMENT if f"`{name}`" not in guide} == set(), "not in docs/operations.md"


def test_every_layer_says_what_it_is_and_its_warnings_are_in_the_operations_guide() -> None:
    guide = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")

    assert KINDS.keys() == set(get_args(Source)), "Source and KINDS of projections/application/layers.py differ"
    unnamed = {code for kind in KINDS.values() for code in kind.warnings if f"`{code}`" not in guide}
    assert unnamed == set(), "warnings that docs/operations.md does not name"


def test_every_layer_is_made_where_it_is_tried() -> None:
    rooms = [ROOT / "projections" / room for room in ("application", "fallback")]
    texts = [path.read_text(encoding="utf-8") for room in rooms for path in room.glob("*.py") if path.stem != "layers"]

    unused = {name for name in KINDS if not any(f'"{name}"' in text for text in texts)}
    assert unused == set(), "named in KINDS, and neither opened by the runtime nor tried by the router"


def test_a_layer_has_to_say_whether_commands_are_decided_on_it() -> None:
    with pytest.raises(TypeError, match="replaces_journal"):
        SourceKind(phrase="answered from somewhere else")  # type: ignore[call-arg]  # what mypy refuses as well


def test_no_file_compares_the_names_of_layers() -> None:
    files = [path for room in ("ledger", "projections", "mcp_adapter") for path in (ROOT / room).rglob("*.py")]
    texts = {path: path.read_text(encoding="utf-8") for path in files}
    named = {path: ast.parse(text) for path, text in texts.items() if re.search(r"""[."']source\b""", text)}
    compared = [path.name for path, tree in named.items() if any(map(_compares_sources, ast.walk(tree)))]
    assert compared == [], "ask what the layer's SourceKind says of it, not which it is"

    layer = rf"""["']({"|".join(KINDS)})["']"""
    before = r"""\bsource(["']\])? *([=!]==?|not in|in) *[(\[]?"""
    in_templates = re.compile(rf"{before}{layer}|{layer} *[=!]==? *[\w.]*source")
    templates = {path: path.read_text(encoding="utf-8") for ending in ("j2", "js") for path in _templates(ending)}
    assert [path.name for path, text in templates.items() if in_templates.search(text)] == []


@each(
    "written",
    [
        'layer.source == "git"',
        '"git" == layer.source',
        "layer.source != GIT",
        'view.layer.source in ("git", "markdown")',
        'answered["source"] not in KNOWN',
        'answered.get("source") is GIT',
        'layer.source.startswith("git")',
        "match layer.source:\n    case _: pass",
    ],
)
def test_a_comparison_of_names_is_found_however_it_is_written(written: str) -> None:
    assert any(_compares_sources(node) for node in ast.walk(ast.parse(written)))


def _templates(ending: str) -> list[Path]:
    return [path for path in (ROOT / "templates").rglob(f"*.{ending}") if path.parent.name != "vendor"]


def _compares_sources(node: ast.AST) -> bool:
    match node:
        case ast.Compare(left=left, comparators=others):
            return any(_is_source(side) for side in (left, *others))
        case ast.Match(subject=subject):
            return _is_source(subject)
        case ast.Call(func=ast.Attribute(value=value, attr="startswith" | "endswith")):
            return _is_source(value)
        case _:
            return False


def _is_source(node: ast.AST) -> bool:
    match node:
        case ast.Attribute(attr="source") | ast.Subscript(slice=ast.Constant(value="source")):
            return True
        case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value="source"), *_]):
            return True
        case _:
            return False


def test_every_import_source_is_in_the_guide_to_exchange() -> None:
    guide = (ROOT / "docs" / "exchange.md").read_text(encoding="utf-8")

    unnamed = {name for name in SOURCES if f"`{name}`" not in guide and f"`import {name}" not in guide}
    assert unnamed == set(), "not in docs/exchange.md"


def test_every_operation_says_when_to_use_it_and_describes_every_field() -> None:
    for operation in OPERATIONS.values():
        fields = operation.input.model_fields
        assert operation.summary.endswith("."), operation.name
        assert {name for name, field in fields.items() if not field.description} == set(), operation.name


def test_only_where_no_store_can_be_read_a_reference_has_another_length_than_the_shortest() -> None:
    users = [path for room in ("ledger", "projections", "mcp_adapter") for path in (ROOT / room).rglob("*.py")]
    imports = re.compile(r"from ledger\.values\.reference import [^\n]*\bbrief\b")

    assert [path.name for path in users if imports.search(path.read_text(encoding="utf-8"))] == ["known_writes.py"]

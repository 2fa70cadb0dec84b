"""Every SQL question there is, and the parameters it can be asked with."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ledger.resources import folder, sql
from projections.read_models.catalog import BY_CATEGORY, PROJECTIONS
from projections.tables.contract import Snapshot

# Of which read model the entries of a relation are; every other relation belongs to work items.
RELATIONS = {
    "vendor_name": "vendors",
    "format": "vendors",
    "enhancement_depends_on": "enhancements",
    "conflict_about": "conflicts",
    "conflict_after": "conflicts",
} | dict.fromkeys(("deployed_vendor", "deployed_work_item", "commit", "pr_number", "deployment_key"), "deployments")
GIVEN = {"ledger", "generation", *PROJECTIONS}  # by the store, or by what else is asked
PAGED = {"after_key": "after_id", "commit_from": "commit_to", "lowest": "highest"}  # parameters that go together

Samples = Mapping[str, Sequence[Any]]


def questions() -> list[str]:
    """The names of all questions, each once."""
    root = folder("sql") / "questions"
    names = (file.relative_to(root).with_suffix("").as_posix() for file in root.rglob("*.sql"))
    return sorted(name for name in names if not name.endswith(".sqlite"))


def words(question: str) -> str:
    return sql(f"questions/{question}")


def parameters(question: str) -> list[str]:
    """The names of what a question must be given, in the order in which it mentions them."""
    return [name for name in dict.fromkeys(re.findall(r"%\((\w+)\)s", words(question))) if name not in GIVEN]


def cases(question: str, samples: Samples) -> Iterator[dict[str, Any]]:
    """Ways to ask: every parameter at its first sample, then each at its others in turn, then all at their last.

    Samples are looked up as `question.parameter`, `folder.parameter`, `parameter`; KeyError if there are none.
    """
    names = parameters(question)
    found = {name: _samples(question, name, samples) for name in names}
    first = {name: values[0] for name, values in found.items()}
    yield _paged(first)
    for name, values in found.items():
        for value in values[1:]:
            yield _paged(first | {name: value})
    last = {name: values[-1] for name, values in found.items()}
    if sum(len(values) > 1 for values in found.values()) > 1:  # else it was asked above
        yield _paged(last)


def generation(snapshot: Snapshot, question: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The generation that a question about any read model means, if it asks for one."""
    if "%(generation)s" not in words(question):
        return {}
    if "category" in given:
        name = BY_CATEGORY[given["category"]].name
    else:
        name = RELATIONS.get(given.get("relation", ""), "work_items")
    return {"generation": snapshot.generation(name)}


def is_ordered(question: str) -> bool:
    """Whether the whole answer has an order, not only a part in brackets."""
    text = words(question)
    while (flat := re.sub(r"\([^()]*\)", "", text)) != text:
        text = flat
    return "ORDER BY" in text


def _samples(question: str, name: str, samples: Samples) -> Sequence[Any]:
    area = question.partition("/")[0]
    for key in (f"{question}.{name}", f"{area}.{name}", name):
        if key in samples:
            return samples[key]
    raise KeyError(
        f"no sample of {name} for the question {question}: add one to SAMPLES of tests/contract/test_questions.py"
        " and to samples() of tests/integration/test_explain.py"
    )


def _paged(given: dict[str, Any]) -> dict[str, Any]:
    """A value that is one half of a pair brings its other half along."""
    whole = dict(given)
    for name, other in PAGED.items():
        if isinstance(given.get(name), tuple):
            whole[name], whole[other] = given[name]
        elif name in given and given[name] is None:
            whole[other] = None
    return whole

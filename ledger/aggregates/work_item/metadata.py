"""The rules of a work item's metadata, by type. Unknown keys are kept as they are."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from ledger.problems import Problem, problem

QUARTER = re.compile(r"\d{4}-Q[1-4]")
Rule = Callable[[Any], str | None]  # what is wrong with a value, or None


def metadata_problems(item_type: str, metadata: dict[str, Any]) -> Iterator[Problem]:
    """Every fault of the metadata that this type of item must or may carry."""
    for key in REQUIRED.get(item_type, ()):
        if metadata.get(key) is None:
            yield problem(f"metadata.{key}", f"is required for a {item_type}", None)
    for key, rule in RULES.get(item_type, {}).items():
        if metadata.get(key) is not None and (wrong := rule(metadata[key])):
            yield problem(f"metadata.{key}", wrong, metadata[key])


def _quarter(value: Any) -> str | None:
    return None if isinstance(value, str) and QUARTER.fullmatch(value) else "must be a quarter like 2026-Q1"


def _texts(value: Any) -> str | None:
    fine = isinstance(value, list) and all(isinstance(text, str) for text in value)
    return None if fine else "must be a list of texts"


def _text(value: Any) -> str | None:
    return None if isinstance(value, str) else "must be a text"


def _short_text(value: Any) -> str | None:
    if not isinstance(value, str):
        return "must be a text"
    return None if len(value) <= 2000 else f"must have at most 2000 characters, not {len(value)}"


def _number(low: float, high: float, kinds: tuple[type[int] | type[float], ...]) -> Rule:
    noun = "a whole number" if kinds == (int,) else "a number"
    bounds = f"from {low} to {high}" if high != float("inf") else f"of at least {low}"

    def rule(value: Any) -> str | None:
        fine = isinstance(value, kinds) and not isinstance(value, bool) and low <= value <= high
        return None if fine else f"must be {noun} {bounds}"

    return rule


def _frontmatter(value: Any) -> str | None:
    fine = isinstance(value, dict) and value.get("schema_version") is not None
    return None if fine else "must be an object that holds schema_version"


REQUIRED = {"session": ("token_budget", "prompts_count", "yaml_frontmatter")}
RULES: dict[str, dict[str, Rule]] = {
    "project": {"target_quarter": _quarter, "constitutional_principles": _texts},
    "session": {
        "token_budget": _number(1000, 1_000_000, (int,)),
        "prompts_count": _number(0, float("inf"), (int,)),
        "yaml_frontmatter": _frontmatter,
        "prompt_path": _text,
    },
    "task": {
        "estimated_hours": _number(0, 1000, (int, float)),
        "actual_hours": _number(0, 1000, (int, float)),
        "acceptance": _texts,
    },
    "research": {"research_questions": _texts, "findings_summary": _short_text, "references": _texts},
}

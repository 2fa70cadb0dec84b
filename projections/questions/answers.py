"""The JSON objects that questions and operations answer, each kind under one name."""

from typing import Any

Entity = dict[str, Any]  # an entity, or a list or a part of one, as people and programs are shown it
Answered = dict[str, Any]  # the whole answer of an operation
Line = dict[str, Any]  # an event in one line

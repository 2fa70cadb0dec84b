"""Many cases of which each takes long: the first of them stays in the inner loop."""

from collections.abc import Iterable
from typing import Any

import pytest


def long_cases(names: str | tuple[str, ...], cases: Iterable[Any], **more: Any) -> pytest.MarkDecorator:
    """As `pytest.mark.parametrize`; all cases but the first are marked `processes`."""
    first, *others = cases
    several = isinstance(names, tuple) or "," in names
    marked = [pytest.param(*(case if several else (case,)), marks=pytest.mark.processes) for case in others]
    return pytest.mark.parametrize(names, [first, *marked], **more)

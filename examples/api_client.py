"""A client of `tracking-ledger serve` in twenty lines of the standard library.

>>> ledger = Ledger("https://ledger.example:8443", token)
>>> ledger.create_work_item(item_type="task", title="Deploy the new parser")["ref"]
>>> ledger.ready_work(limit=5)["items"]
"""

import json
from collections.abc import Callable
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from uuid import uuid4


class Ledger:
    """Every operation as a method, by the names in /api/openapi.json. A refusal is raised with its way out."""

    def __init__(self, address: str, token: str) -> None:
        self.address = address
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def __getattr__(self, name: str) -> Callable[..., dict[str, Any]]:
        return lambda **arguments: self.call(name, arguments)

    def call(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        request = Request(f"{self.address}/api/{name}", json.dumps(arguments).encode(), self.headers, method="POST")
        try:
            with urlopen(request, timeout=30) as answer:
                return dict(json.load(answer))
        except HTTPError as error:
            raise RuntimeError(error.read().decode()) from error


def command_id() -> str:
    """For a write that is sent again when no answer came: the same id is recorded once."""
    return str(uuid4())

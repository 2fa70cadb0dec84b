"""The two names of a repository that was renamed on GitHub: an issue stays known by the one that it was taken under."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct


class RepositoryNames(Struct, frozen=True, kw_only=True):
    """`here` stands in the ids of issues and in addresses as they are kept; `there` is what GitHub calls it now."""

    here: str
    there: str

    def path_there(self, path: str) -> str:
        """
        >>> RepositoryNames(here="octo/hello", there="octo/world").path_there("/repos/octo/hello/issues")
        '/repos/octo/world/issues'
        """
        return path.replace(f"/repos/{self.here}/", f"/repos/{self.there}/", 1)

    def answered(self, body: Any) -> Any:
        """The answer with the addresses of this repository under its name here.

        >>> RepositoryNames(here="octo/hello", there="octo/world").answered([{"html_url": "https://github.com/octo/world/issues/7"}])
        [{'html_url': 'https://github.com/octo/hello/issues/7'}]
        """
        if isinstance(body, list):
            return [self.answered(one) for one in body]
        return dict(self._entries(body)) if isinstance(body, dict) else body

    def _entries(self, record: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        for name, value in record.items():
            is_address = name.endswith("url") and isinstance(value, str)
            yield name, value.replace(f"/{self.there}/", f"/{self.here}/", 1) if is_address else self.answered(value)

"""What can happen to the configuration. Never edited after release; a changed shape is a new schema with an upcast."""

from ledger.envelope import Fact
from ledger.values.revision import Changes


class ConfigurationChanged(Fact, frozen=True, kw_only=True):
    """The settings that changed, old and new; the first change names the defaults as old."""

    changes: Changes


class ConfigurationReverted(Fact, frozen=True, kw_only=True):
    """Settings are again what they were before the command `undoes`, old and new."""

    changes: Changes
    undoes: str


ConfigurationFact = ConfigurationChanged | ConfigurationReverted

"""What can happen to the configuration. Never edited after release; a changed shape is a new schema with an upcast."""

from ledger.envelope import Fact
from ledger.values.revision import Changes


class ConfigurationFact(Fact, frozen=True, kw_only=True):
    """The root of this category's facts."""


class ConfigurationChanged(ConfigurationFact, frozen=True, kw_only=True):
    """The settings that changed, old and new; the first change names the defaults as old."""

    changes: Changes


class ConfigurationReverted(ConfigurationFact, frozen=True, kw_only=True):
    """Settings are again what they were before the command `undoes`, old and new."""

    changes: Changes
    undoes: str

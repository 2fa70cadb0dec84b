"""The command line, run in the tests' own process: a new one would spend a second on what it imports."""

from click.testing import CliRunner, Result

from ledger.settings import Settings
from projections.cli.main import cli
from tests.support.mcp_client import environment


def run(settings: Settings, *words: str, input: str | None = None, **variables: str) -> Result:
    """What `tracking-ledger` with these words answers at the test's ledger; its path arguments must be absolute."""
    return CliRunner().invoke(cli, list(words), env=environment(settings) | variables, input=input)

"""`python -m mcp_adapter`: the server on standard input and output, with the settings of the environment."""

from ledger.libpq.environment import take_variables
from ledger.settings import Settings
from mcp_adapter.server import run_stdio
from projections.application.app import App
from projections.maintenance.after_write import keep_status, renew_copies


def main() -> None:
    take_variables()
    run_stdio(App(Settings.from_environment(), keep_status=keep_status, renew_copies=renew_copies))


if __name__ == "__main__":
    main()

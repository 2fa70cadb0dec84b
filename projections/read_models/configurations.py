"""The read model `configurations`: one row a ledger, and none before its first change."""

from ledger.aggregates.configuration.decider import decider
from projections.read_models.projection import Projection

configurations = Projection(name="configurations", shape=2, decider=decider, entries=lambda *_: (), is_single=True)

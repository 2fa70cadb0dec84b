"""Status files in markdown from before there was a ledger, in all the grammars that people have kept them in."""

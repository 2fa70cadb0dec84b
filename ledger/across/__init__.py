"""Rules of no single category: undo, the resolution of conflicts, and what an erasure replaces."""

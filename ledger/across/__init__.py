"""Rules of no single category: undo, and the resolution of conflicts."""

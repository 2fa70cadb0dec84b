"""Work items: a tree of projects, sessions, tasks and research, and the links between them."""

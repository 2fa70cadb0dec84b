"""Work items: a tree of projects, sessions, tasks, research and milestones, and the links between them."""

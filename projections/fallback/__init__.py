"""Which source answers: the database, a replica, this machine's journal, git or a written report."""

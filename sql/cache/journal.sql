-- Where each line of the journal begins, and under what it is looked for: made from the journal, and made again when lost.
CREATE TABLE IF NOT EXISTS journal_lines (
    position int NOT NULL PRIMARY KEY, stream_id text NOT NULL, version int NOT NULL, command_id text NOT NULL,
    recorded_at int NOT NULL, begins int NOT NULL, length int NOT NULL, digest blob NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS journal_lines_of_stream ON journal_lines (stream_id, version);
CREATE INDEX IF NOT EXISTS journal_lines_of_command ON journal_lines (command_id);

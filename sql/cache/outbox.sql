-- Where each line of the outbox begins and what became of it: made from the outbox, and made again when lost.
CREATE TABLE IF NOT EXISTS outbox_progress (
    one int NOT NULL PRIMARY KEY CHECK (one = 1), sequence int NOT NULL, lines int NOT NULL, ends int NOT NULL,
    begins int NOT NULL, proof blob NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outbox_lines (
    sequence int NOT NULL PRIMARY KEY, command_id text NOT NULL, begins int NOT NULL, length int NOT NULL,
    outcome text, position int, settled_by int
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS outbox_lines_of_command ON outbox_lines (command_id);
CREATE INDEX IF NOT EXISTS outbox_lines_unsettled ON outbox_lines (sequence) WHERE outcome IS NULL;
CREATE INDEX IF NOT EXISTS outbox_lines_settled ON outbox_lines (position) WHERE outcome IS NOT NULL;
CREATE INDEX IF NOT EXISTS outbox_lines_settled_by ON outbox_lines (settled_by) WHERE outcome IS NOT NULL;
CREATE TABLE IF NOT EXISTS outbox_streams (
    stream_id text NOT NULL, sequence int NOT NULL, PRIMARY KEY (stream_id, sequence)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS outbox_streams_of_line ON outbox_streams (sequence, stream_id);
CREATE TABLE IF NOT EXISTS outbox_faults (
    line int NOT NULL PRIMARY KEY, begins int NOT NULL, length int NOT NULL, reason text NOT NULL
) WITHOUT ROWID;

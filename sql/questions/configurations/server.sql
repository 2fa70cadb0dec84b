-- The version of the server that answers. Answered without a table.
SELECT current_setting('server_version') AS version

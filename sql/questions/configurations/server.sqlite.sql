-- The version of the program that answers. Answered without a table.
SELECT sqlite_version() AS version

-- None: here the columns are generated from the document.
SELECT id, NULL AS field, NULL AS stored, NULL AS derived FROM things
WHERE ledger_id = %(ledger)s AND generation = %(generation)s AND %(projection)s IS NULL

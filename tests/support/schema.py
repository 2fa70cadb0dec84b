"""What a database's schema is, described completely enough that two of them can be compared."""

import psycopg

QUESTIONS = {
    "columns": """
        SELECT c.relname, c.relkind::text, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
               a.attgenerated::text, coll.collname, pg_get_expr(d.adbin, d.adrelid), a.attnum
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        LEFT JOIN pg_collation coll ON coll.oid = a.attcollation
        WHERE c.relnamespace = 'tracking_ledger'::regnamespace AND c.relkind IN ('r', 'v', 'S', 'p', 'm')""",
    "tables": """
        SELECT c.relname, c.relkind::text, c.relrowsecurity, c.relforcerowsecurity, c.reloptions, c.relacl::text,
               pg_get_userbyid(c.relowner), CASE WHEN c.relkind = 'v' THEN pg_get_viewdef(c.oid) END
        FROM pg_class c
        WHERE c.relnamespace = 'tracking_ledger'::regnamespace AND c.relkind IN ('r', 'v', 'S', 'p', 'm')""",
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), convalidated
        FROM pg_constraint WHERE connamespace = 'tracking_ledger'::regnamespace""",
    "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'tracking_ledger'",
    "functions": """
        SELECT p.oid::regprocedure::text, 
               CASE p.prokind WHEN 'a' THEN (SELECT a::text FROM pg_aggregate a WHERE a.aggfnoid = p.oid)
               ELSE pg_get_functiondef(p.oid) END,
               p.proacl::text, pg_get_userbyid(p.proowner)
        FROM pg_proc p WHERE p.pronamespace = 'tracking_ledger'::regnamespace""",
    "policies": "SELECT tablename, policyname, permissive, roles::text, cmd, qual, with_check FROM pg_policies"
    " WHERE schemaname = 'tracking_ledger'",
    "triggers": """
        SELECT t.tgrelid::regclass::text, t.tgname, pg_get_triggerdef(t.oid), t.tgenabled::text
        FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
        WHERE c.relnamespace = 'tracking_ledger'::regnamespace AND NOT t.tgisinternal""",
    "migrations": "SELECT name, digest, release FROM tracking_ledger.migrations",
}

Schema = dict[str, list[str]]


def schema(connection: psycopg.Connection) -> Schema:
    """Everything in the schema by kind, each line one thing."""
    return {
        kind: sorted(repr(row) for row in connection.execute(question).fetchall())
        for kind, question in QUESTIONS.items()
    }

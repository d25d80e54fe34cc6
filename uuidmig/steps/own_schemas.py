"""Who may enter the schemas that uuidmig creates: nobody whom it did not let in itself."""

from __future__ import annotations

from psycopg import sql

from uuidmig.steps.model import Statement

# Nobody but the owners is to reach old and new rows side by side, and the map between them.
_FORGET = sql.SQL("""DO $uuidmig$
DECLARE
  grantee text;
BEGIN
  FOR grantee IN
    SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC'
                    ELSE quote_ident(pg_get_userbyid(a.grantee)) END
    FROM pg_namespace n, aclexplode(n.nspacl) a
    WHERE n.nspname = {name} AND a.grantee <> n.nspowner
  LOOP
    EXECUTE format('REVOKE ALL ON SCHEMA %I FROM %s', {name}, grantee);
  END LOOP;
END
$uuidmig$""")


def forget_default_privileges(schema: str) -> Statement:
    """Return the statement that takes what ALTER DEFAULT PRIVILEGES granted on a new schema."""
    return Statement(_FORGET.format(name=sql.Literal(schema)))

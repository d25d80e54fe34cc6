"""Privileges of what uuidmig creates: those it was told, and none that a default gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import LiteralString

from psycopg import sql

from uuidmig.catalog.model import Grant, RelationName
from uuidmig.steps.verbatim import verbatim

_REVOKE = sql.SQL("""DO $uuidmig$
DECLARE
  grantee text;
BEGIN
  FOR grantee IN
    SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC'
                    ELSE quote_ident(pg_get_userbyid(a.grantee)) END
    FROM {catalog}
  LOOP
    EXECUTE 'REVOKE ALL ON ' || {target} || ' FROM ' || grantee;
  END LOOP;
END
$uuidmig$""")


def _revoke(target: str, catalog: sql.Composable) -> sql.Composed:
    return _REVOKE.format(catalog=catalog, target=sql.Literal(target))


def revoke_on_schema(schema: str) -> sql.Composed:
    """Return the statement that takes what ALTER DEFAULT PRIVILEGES gave others on a new schema.

    Nobody but the owners is to reach old and new rows side by side, and the map between them.
    """
    catalog = sql.SQL(
        "pg_namespace n, aclexplode(n.nspacl) a WHERE n.nspname = {} AND a.grantee <> n.nspowner"
    ).format(sql.Literal(schema))
    return _revoke("SCHEMA " + sql.Identifier(schema).as_string(None), catalog)


def revoke_on_relation(relation: RelationName) -> sql.Composed:
    """Return the same for a new table, view or sequence: its source may not grant that."""
    name = relation.identifier.as_string(None)
    catalog = sql.SQL(
        "pg_class c, aclexplode(c.relacl) a WHERE c.oid = {}::regclass AND a.grantee <> c.relowner"
    ).format(sql.Literal(name))
    return _revoke(name, catalog)


def revoke_on_routine(identity: str) -> sql.Composed:
    """Return the same for a new routine, its owner included: everybody may call it by default."""
    catalog = sql.SQL(
        "pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a"
        " WHERE p.oid = {}::regprocedure"
    ).format(sql.Literal(identity))
    return _revoke(f"ROUTINE {identity}", catalog)


def relation_privileges(
    relation: RelationName,
    owner: str,
    acl: tuple[Grant, ...] | None,
    columns: Mapping[str, tuple[Grant, ...]],
) -> list[sql.Composable]:
    """Return the statements that give a new relation these privileges and no others."""
    name = relation.identifier
    parts: list[sql.Composable] = [revoke_on_relation(relation)]
    if acl is not None:
        parts.append(sql.SQL("REVOKE ALL ON TABLE {} FROM {}").format(name, sql.Identifier(owner)))
        parts += [part for grant in acl for part in grant_statements(name, grant, None)]
    for column, grants in columns.items():
        parts += [part for grant in grants for part in grant_statements(name, grant, column)]
    return parts


def grant_statements(
    target: sql.Composable, grant: Grant, column: str | None, kind: LiteralString = "TABLE"
) -> list[sql.Composable]:
    """Return the GRANTs of one pair of grantee and grantor on an object of that kind, or on a
    column of a relation."""
    grantee = sql.Identifier(grant.grantee) if grant.grantee else sql.SQL("PUBLIC")
    place = sql.SQL(" ({})").format(sql.Identifier(column)) if column else sql.SQL("")
    parts: list[sql.Composable] = []
    for grantable in (False, True):
        privileges = [p for p in grant.privileges if (p in grant.grantable) == grantable]
        if privileges:
            listed = sql.SQL(", ").join(
                [sql.SQL("{}{}").format(verbatim(privilege), place) for privilege in privileges]
            )
            option: LiteralString = " WITH GRANT OPTION" if grantable else ""
            parts.append(
                sql.SQL("GRANT {} ON {} {} TO {}{}").format(
                    listed, sql.SQL(kind), target, grantee, sql.SQL(option)
                )
            )
    return parts

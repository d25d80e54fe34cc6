"""The SELECT that reads a source table through the mapping, and its pieces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from psycopg import sql

from uuidmig.catalog.model import ForeignKey, RelationName
from uuidmig.keys import mapping_sql
from uuidmig.planner.model import ClosureTable, KeyDomain, Plan, Reference
from uuidmig.steps.soft import applies, as_uuid, soft_references
from uuidmig.steps.soft_values import ARRAY_FORMS, DOCUMENT_FORMS, with_other_keys

Relation = Callable[[ClosureTable], sql.Composable]

# The planner takes an unknown LIMIT for a tenth of the rows, so it hashes these and not the rows
# that are copied: hashing those would give them another order.
_HASHED = sql.SQL("(SELECT {} FROM {} LIMIT (SELECT 9223372036854775807))")


def source(table: ClosureTable) -> sql.Composable:
    """The table under its own name: the source before the cutover."""
    return table.name.identifier


def retired(table: ClosureTable) -> sql.Composable:
    """The table where the cutover puts it."""
    return table.retired.identifier


@dataclass(slots=True)
class MappedExpressions:
    """Builds new-key expressions over one FROM item and collects the joins they need.

    Every join is a LEFT JOIN on a unique key, so it neither drops nor multiplies rows; a reference
    without parent maps to NULL, which verification counts as an orphan. The exception: references
    to the domains in `copied` are found by their last 8 bytes in the filled shadow of the domain's
    root, where the new key already is. That multiplies rows where keys share these bytes.
    """

    plan: Plan
    relation: Relation = source
    copied: frozenset[int] = frozenset()
    joins: list[sql.Composable] = field(default_factory=list)
    _aliases: dict[tuple[str, ...], str] = field(default_factory=dict)

    @property
    def _convert_other(self) -> bool:
        return self.plan.options.non_v4 == "convert"

    def value(
        self, table: ClosureTable, column: str, alias: str, *, keys_as_bytes: bool = False
    ) -> sql.Composable:
        """Return the new value of a column: a mapped uuid when it holds keys, else as it is.

        With `keys_as_bytes` a key that is computed here stays the 16 bytes that a uuid is in the
        binary format of COPY.
        """
        for reference in table.references:
            if (
                reference.column == column
                and reference.domain in self.copied
                and not is_unchecked(table, reference)
            ):
                return self._copied_key(reference, alias)
        if (text := self.text(table, column, alias)) is not None:
            return text
        if (held := self.held(table, column, alias)) is not None:
            return held
        as_bytes = self.key(table, column, alias)
        if as_bytes is None:
            return sql.Identifier(alias, column)
        return as_bytes if keys_as_bytes else mapping_sql.uuid_expression(as_bytes)

    def key(self, table: ClosureTable, column: str, alias: str) -> sql.Composable | None:
        """Return the new key in a column as 16 bytes; None when it holds no keys as uuid."""
        root = dict(table.roots).get(column)
        if root is not None:
            return self._root(table, self.plan.domain(root), alias)
        if found := soft_references(table, column):
            return self._soft(table, found, alias) if found[0].form == "uuid" else None
        for reference in table.references:
            if reference.column == column:
                return self._reference(table, reference, alias)
        return None

    def text(self, table: ClosureTable, column: str, alias: str) -> sql.Composable | None:
        """Return the new value of a text column that holds keys; None for all other columns."""
        found = soft_references(table, column)
        if not found or found[0].form != "text":
            return None
        keys = [self._parents_key(table, reference, alias) for reference in found]
        texts = [
            sql.SQL("{}::text").format(mapping_sql.uuid_expression(key))
            for key in keys
            if key is not None
        ]
        return sql.SQL("coalesce({})").format(
            sql.SQL(", ").join([*texts, sql.Identifier(alias, column)])
        )

    def held(self, table: ClosureTable, column: str, alias: str) -> sql.Composable | None:
        """Return the new array or document of a column that holds keys; None for all others.

        Each key is looked up by itself: a join would multiply rows.
        """
        if not holds_keys_inside(table, column):
            return None
        found = soft_references(table, column)

        def new_key(reference: Reference, key: sql.Composable) -> sql.Composable:
            domain = self.plan.domain(reference.domain)
            root = self.plan.table(domain.root.table)
            mapped = MappedExpressions(self.plan, self.relation)
            return sql.SQL("(SELECT {} FROM {} AS s{} WHERE {} = {}{})").format(
                mapped.value(root, domain.root.column, "s"),
                self.relation(root),
                sql.SQL("").join(mapped.joins),
                sql.Identifier("s", domain.root.column),
                key,
                applies(reference.when, alias),
            )

        return with_other_keys(found, sql.Identifier(alias, column), new_key)

    def _soft(
        self, table: ClosureTable, references: tuple[Reference, ...], alias: str
    ) -> sql.Composable:
        """A value that is no key of what it references stays as it is: nothing guards it."""
        keys = [self._parents_key(table, reference, alias) for reference in references]
        own = mapping_sql.bytes_expression(sql.Identifier(alias, references[0].column))
        return sql.SQL("coalesce({})").format(
            sql.SQL(", ").join([*(key for key in keys if key is not None), own])
        )

    def _root(self, table: ClosureTable, domain: KeyDomain, alias: str) -> sql.Composable:
        key = sql.Identifier(alias, domain.root.column)
        timestamp, convert = domain.timestamp, self._convert_other
        if timestamp.kind == "column" and timestamp.column and timestamp.column_type:
            time = mapping_sql.time_expression(
                sql.Identifier(alias, timestamp.column), timestamp.column_type, timestamp.time_zone
            )
            server = self.plan.server.version
            return mapping_sql.key_bytes(key, time, server=server, convert_other=convert)
        if timestamp.kind == "parent" and timestamp.column:
            parent = self.key(table, timestamp.column, alias)
            if parent is not None:
                return mapping_sql.borrowed_bytes(key, parent, convert_other=convert)
        return mapping_sql.plan_time_bytes(key, convert_other=convert)

    def _reference(
        self, table: ClosureTable, reference: Reference, alias: str
    ) -> sql.Composable | None:
        key = self._parents_key(table, reference, alias)
        if key is None or not is_unchecked(table, reference):
            return key
        own = mapping_sql.bytes_expression(sql.Identifier(alias, reference.column))
        return sql.SQL("coalesce({}, {})").format(key, own)

    def _parents_key(
        self, table: ClosureTable, reference: Reference, alias: str
    ) -> sql.Composable | None:
        domain = self.plan.domain(reference.domain)
        if domain.root_unique:
            # Every value of the domain is a value of its root column: one hop is enough.
            root = self.plan.table(domain.root.table)
            pairs = [(reference.column, domain.root.column)]
            joined = self._join(root, pairs, alias, reference)
            return self.key(root, domain.root.column, joined)
        if reference.foreign_key is None:
            raise ValueError(f"{table.name}.{reference.column}: a key that is not unique by itself")
        key = foreign_key(table, reference.foreign_key)
        parent = self.plan.table(key.parent)
        pairs = list(zip(key.columns, key.parent_columns, strict=True))
        return self.key(parent, reference.parent_column, self._join(parent, pairs, alias))

    def _copied_key(self, reference: Reference, alias: str) -> sql.Composable:
        """Return the key as the root's shadow has it; of a row that is not there, as it would be.

        Rows born since the root was copied are not there; the drain brings them.
        """
        root = self.plan.domain(reference.domain).root
        table, server = self.plan.table(root.table), self.plan.server.version
        own = sql.Identifier(alias, reference.column)
        joined = self._new_alias(alias, str(table.shadow), reference.column)
        self._add_join(
            _HASHED.format(sql.Identifier(root.column), table.shadow.identifier),
            joined,
            sql.SQL("{} = {}").format(
                mapping_sql.tail_expression(sql.Identifier(joined, root.column), server=server),
                mapping_sql.tail_expression(own, server=server),
            ),
        )
        mapped = MappedExpressions(self.plan, self.relation)
        value = mapped.value(table, root.column, "s")
        return sql.SQL("coalesce({}, (SELECT {} FROM {} AS s{} WHERE {} = {}))").format(
            sql.Identifier(joined, root.column),
            value,
            self.relation(table),
            sql.SQL("").join(mapped.joins),
            sql.Identifier("s", root.column),
            own,
        )

    def _join(
        self,
        table: ClosureTable,
        pairs: list[tuple[str, str]],
        alias: str,
        reference: Reference | None = None,
    ) -> str:
        form, when = (reference.form, reference.when) if reference else ("uuid", None)
        signature = (alias, str(table.name), *(f"{a}={b}" for a, b in pairs), repr(when))
        if signature in self._aliases:
            return self._aliases[signature]
        joined = self._new_alias(*signature)
        condition = sql.SQL(" AND ").join(
            sql.SQL("{} = {}").format(
                sql.Identifier(joined, theirs), as_uuid(form, sql.Identifier(alias, ours))
            )
            for ours, theirs in pairs
        )
        self._add_join(self.relation(table), joined, condition + applies(when, alias))
        return joined

    def _new_alias(self, *signature: str) -> str:
        self._aliases[signature] = joined = f"p{len(self._aliases) + 1}"
        return joined

    def _add_join(self, relation: sql.Composable, joined: str, condition: sql.Composable) -> None:
        self.joins.append(
            sql.SQL(" LEFT JOIN {} AS {} ON {}").format(relation, sql.Identifier(joined), condition)
        )


def foreign_key(table: ClosureTable, name: str) -> ForeignKey:
    """Return the table's foreign key of that name; KeyError when there is none."""
    for key in table.table.foreign_keys:
        if key.name == name:
            return key
    raise KeyError(name)


def is_unchecked(table: ClosureTable, reference: Reference) -> bool:
    """Return whether the server may let this reference point nowhere.

    MATCH SIMPLE does not check a row in which another column of the foreign key is NULL, and a soft
    reference has no foreign key; such a value without parent is kept as it is.
    """
    if reference.foreign_key is None:
        return True
    key = foreign_key(table, reference.foreign_key)
    others = [column for column in key.columns if column != reference.column]
    return key.match == "s" and any(not table.table.column(column).not_null for column in others)


def holds_keys_inside(table: ClosureTable, column: str) -> bool:
    """Return whether the column's values are arrays or documents with declared keys in them."""
    forms = {reference.form for reference in soft_references(table, column)}
    return not forms.isdisjoint((*ARRAY_FORMS, *DOCUMENT_FORMS))


def key_columns(table: ClosureTable) -> tuple[str, ...]:
    """Return the columns that hold keys of a domain as uuid, in column order."""
    mapped = {column for column, _ in table.roots}
    mapped |= {r.column for r in table.references if r.form == "uuid"}
    return tuple(column.name for column in table.table.columns if column.name in mapped)


def mapped_select(
    plan: Plan,
    table: ClosureTable,
    condition: sql.Composable | None = None,
    relation: Relation = source,
    copied: frozenset[int] = frozenset(),
    columns: tuple[str, ...] | None = None,
    rows: sql.Composable | None = None,
    keys_as_bytes: bool = False,
) -> sql.Composed:
    """Return SELECT of `columns` (None: the copied ones) through the mapping, the table aliased
    "t"; of `rows` in its place when they are given. See MappedExpressions for `copied` and
    MappedExpressions.value for `keys_as_bytes`.
    """
    expressions = MappedExpressions(plan, relation, copied)
    values: list[sql.Composable] = []
    for column in table.copied_columns if columns is None else columns:
        value = expressions.value(table, column, "t", keys_as_bytes=keys_as_bytes)
        values.append(sql.SQL("{} AS {}").format(value, sql.Identifier(column)))
    where = sql.SQL(" WHERE {}").format(condition) if condition is not None else sql.SQL("")
    return sql.SQL("SELECT {} FROM {} AS t{}{}").format(
        sql.SQL(", ").join(values),
        relation(table) if rows is None else rows,
        sql.SQL("").join(expressions.joins),
        where,
    )


def relation_of(plan: Plan, name: RelationName) -> ClosureTable | None:
    """Return the closure table of that name, None when it lies outside."""
    return next((table for table in plan.tables if table.name == name), None)

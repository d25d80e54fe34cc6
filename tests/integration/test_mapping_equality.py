"""The mapping in SQL and the mapping in Python are one and the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from psycopg import sql

from tests.servers import TestDatabase
from uuidmig.keys import mapping_sql
from uuidmig.keys.mapping import EPOCH, borrowed_key, key_version, new_key

MICROSECOND = timedelta(microseconds=1)
PLAN_TIME = datetime(2026, 11, 22, 12, 34, 56, 789012, tzinfo=UTC)
NEAR = PLAN_TIME + timedelta(hours=1)
# The doubles in SQL are exact below 2**51 microseconds; no horizon lies that far ahead.
FAR = EPOCH + 2**51 * MICROSECOND
KOLKATA = ZoneInfo("Asia/Kolkata")

Pair = tuple[UUID, datetime | None]

# datetime knows no infinity; its own ends stand for it.
ENDS = {datetime.max.replace(tzinfo=UTC): "infinity", datetime.min.replace(tzinfo=UTC): "-infinity"}
EDGES = [
    EPOCH + offset + shift
    for offset in (timedelta(0), PLAN_TIME - EPOCH, NEAR - EPOCH, FAR - EPOCH)
    for shift in (-MICROSECOND, timedelta(0), MICROSECOND, timedelta(milliseconds=1))
]


def uuid_of(bits: int, version: int) -> UUID:
    return UUID(int=bits & ~(0xF << 76) | version << 76)


keys = st.one_of(
    st.builds(uuid_of, st.integers(0, 2**128 - 1), st.sampled_from([4, 4, 4, 1, 7, 0, 15])),
    st.uuids(version=4),
    st.sampled_from([UUID(int=0), UUID(int=2**128 - 1)]),
)
times = st.one_of(
    st.none(),
    st.sampled_from([*ENDS, *EDGES]),
    st.datetimes(timezones=st.just(UTC)),
    st.datetimes(datetime(1969, 1, 1), datetime(2042, 1, 1), timezones=st.just(UTC)),
)
pairs = st.lists(st.tuples(keys, times), min_size=1, max_size=200)
edge_pairs: list[Pair] = [
    (uuid_of(2**128 - 1, version), time)
    for version in (1, 4, 7)
    for time in [None, *ENDS, *EDGES, datetime(2200, 1, 2, tzinfo=UTC)]
]
# Every microsecond of a millisecond and the millisecond's neighbours, just before that end.
fine_pairs: list[Pair] = [(uuid_of(n, 4), FAR - n * MICROSECOND) for n in range(1100)]


@pytest.fixture
def connection(database: TestDatabase) -> Iterator[psycopg.Connection]:
    with database.connect(autocommit=True) as opened:
        opened.execute("CREATE SCHEMA uuidmig")
        _declare(opened, "plan_time", PLAN_TIME)
        yield opened


def _declare(connection: psycopg.Connection, name: str, time: datetime) -> None:
    connection.execute(
        sql.SQL(
            "CREATE OR REPLACE FUNCTION {}() RETURNS timestamptz LANGUAGE sql IMMUTABLE"
            " RETURN {}::timestamptz"
        ).format(sql.Identifier("uuidmig", name), sql.Literal(time.isoformat()))
    )


def _as_text(time: datetime | None) -> str | None:
    return None if time is None else ENDS.get(time, time.isoformat())


def _select(
    connection: psycopg.Connection, expression: sql.Composable, rows: list[tuple[object, object]]
) -> list[UUID]:
    """Evaluate over columns `key` (uuid) and `other` (text), in order."""
    given_keys, given_others = zip(*rows, strict=True)
    query = sql.SQL(
        "SELECT {} FROM unnest({}::uuid[], {}::text[]) WITH ORDINALITY AS t (key, other, n)"
        " ORDER BY n"
    ).format(expression, sql.Literal(list(given_keys)), sql.Literal(list(given_others)))
    # No parameters: the expressions contain the operator %.
    return [value for (value,) in connection.execute(query)]


KEY = sql.Identifier("t", "key")


@pytest.fixture(params=["as of 15", "this server's"])
def version(request: pytest.FixtureRequest, connection: psycopg.Connection) -> int:
    """The version the expression is made for: newer servers take both forms."""
    return 150000 if request.param == "as of 15" else connection.info.server_version


@pytest.mark.parametrize("horizon", [NEAR, FAR])
def test_new_keys_are_equal(
    connection: psycopg.Connection, version: int, horizon: datetime
) -> None:
    _declare(connection, "horizon", horizon)

    @settings(max_examples=60, deadline=None)
    @given(pairs, st.booleans())
    @example(edge_pairs, False)
    @example(edge_pairs, True)
    @example(fine_pairs, False)
    def check(rows: list[Pair], convert: bool) -> None:
        time = sql.SQL("t.other::timestamptz")
        expression = mapping_sql.uuid_expression(
            mapping_sql.key_bytes(KEY, time, server=version, convert_other=convert)
        )

        in_sql = _select(connection, expression, [(key, _as_text(time)) for key, time in rows])

        assert in_sql == [
            new_key(key, time, plan_time=PLAN_TIME, horizon=horizon, convert_other=convert)
            for key, time in rows
        ]

    check()


@pytest.mark.parametrize("convert", [False, True])
def test_borrowed_keys_are_equal(connection: psycopg.Connection, convert: bool) -> None:
    _declare(connection, "horizon", NEAR)

    @settings(max_examples=40, deadline=None)
    @given(st.lists(st.tuples(keys, st.none() | keys), min_size=1, max_size=200))
    def check(rows: list[tuple[UUID, UUID | None]]) -> None:
        parent = sql.SQL("t.other::uuid")
        expression = mapping_sql.uuid_expression(
            mapping_sql.borrowed_bytes(
                KEY, mapping_sql.bytes_expression(parent), convert_other=convert
            )
        )

        in_sql = _select(connection, expression, [(key, p and str(p)) for key, p in rows])

        assert in_sql == [
            borrowed_key(key, parent, plan_time=PLAN_TIME, convert_other=convert)
            for key, parent in rows
        ]

    check()


def test_keys_without_a_timestamp_get_plan_time(connection: psycopg.Connection) -> None:
    _declare(connection, "horizon", NEAR)
    rows: list[tuple[object, object]] = [(uuid_of(2**128 - 1, v), None) for v in range(16)]

    in_sql = _select(
        connection,
        mapping_sql.uuid_expression(mapping_sql.plan_time_bytes(KEY)),
        rows,
    )

    assert in_sql == [
        new_key(uuid_of(2**128 - 1, v), None, plan_time=PLAN_TIME, horizon=NEAR) for v in range(16)
    ]


@pytest.mark.parametrize("column_type", ["timestamp without time zone", "date"])
def test_types_without_zone_are_read_in_the_declared_one(
    connection: psycopg.Connection, version: int, column_type: str
) -> None:
    _declare(connection, "horizon", NEAR)
    connection.execute("SET TimeZone = 'America/New_York'")  # must not matter
    old = uuid_of(2**128 - 1, 4)
    local = [datetime(1970, 1, 1), datetime(2001, 2, 3, 4, 5, 6, 789012), datetime(2026, 1, 1)]
    if column_type == "date":
        local = [datetime.combine(date(t.year, t.month, t.day), t.min.time()) for t in local]
    column = sql.SQL("t.other::{}").format(
        sql.SQL("date" if column_type == "date" else "timestamp")
    )
    time = mapping_sql.time_expression(sql.SQL("({})").format(column), column_type, "Asia/Kolkata")

    in_sql = _select(
        connection,
        mapping_sql.uuid_expression(mapping_sql.key_bytes(KEY, time, server=version)),
        [(old, t.isoformat()) for t in local],
    )

    assert in_sql == [
        new_key(old, t.replace(tzinfo=KOLKATA), plan_time=PLAN_TIME, horizon=NEAR) for t in local
    ]


def test_null_keys_stay_null(connection: psycopg.Connection, version: int) -> None:
    _declare(connection, "horizon", NEAR)
    time = sql.SQL("t.other::timestamptz")

    assert _select(
        connection,
        mapping_sql.uuid_expression(mapping_sql.key_bytes(KEY, time, server=version)),
        [(None, None)],
    ) == [None]


def test_versions_are_equal(connection: psycopg.Connection) -> None:
    rows: list[tuple[object, object]] = [(uuid_of(2**128 - 1, v), None) for v in range(16)]

    versions = _select(connection, mapping_sql.version_expression(KEY), rows)

    assert versions == [key_version(uuid_of(2**128 - 1, v)) for v in range(16)]


@given(st.lists(keys, min_size=1, max_size=200))
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_is_no_version_7_key(
    connection: psycopg.Connection, version: int, given_keys: list[UUID]
) -> None:
    """The nibble decides, whatever the variant: the mapping leaves that of the old key."""
    condition = mapping_sql.not_version7_expression(KEY, server=version)
    rows: list[tuple[object, object]] = [(key, None) for key in [*given_keys, None]]

    in_sql = _select(connection, condition, rows)

    assert in_sql == [*(key_version(key) != 7 for key in given_keys), None]

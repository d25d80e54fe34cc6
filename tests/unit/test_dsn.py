"""Which connection strings are understood, and that none ever shows its password."""

from __future__ import annotations

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from uuidmig.errors import ConfigurationError
from uuidmig.servers.dsn import VARIABLE, redact, resolve_dsn

SHOP = {"host": "db", "port": "5433", "user": "joe", "password": "p@ss", "dbname": "shop"}


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://joe:p%40ss@db:5433/shop",
        "postgres://joe:p%40ss@db:5433/shop",
        "host=db port=5433 user=joe password=p@ss dbname=shop",
        "postgresql+psycopg://joe:p%40ss@db:5433/shop",
        "postgresql+psycopg2://joe:p%40ss@db:5433/shop",
        "postgresql+asyncpg://joe:p%40ss@db:5433/shop",
        "  postgresql://joe:p%40ss@db:5433/shop\n",
    ],
)
def test_every_spelling_means_the_same(text: str) -> None:
    assert conninfo_to_dict(resolve_dsn(text)) == SHOP


@pytest.mark.parametrize("text", ["service=shop", "postgresql+psycopg://?service=shop"])
def test_a_service(text: str) -> None:
    assert conninfo_to_dict(resolve_dsn(text)) == {"service": "shop"}


@pytest.mark.parametrize(
    "text", ["postgresql://h1:1,h2:2/shop", "postgresql+psycopg://?host=h1:1&host=h2:2&dbname=shop"]
)
def test_several_hosts(text: str) -> None:
    options = conninfo_to_dict(resolve_dsn(text))
    assert (options["host"], options["port"]) == ("h1,h2", "1,2")


def test_a_socket_folder() -> None:
    dsn = resolve_dsn("postgresql+psycopg://joe@/shop?host=/run/pg")
    assert conninfo_to_dict(dsn) == {"user": "joe", "dbname": "shop", "host": "/run/pg"}


def test_the_argument_wins_over_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "dbname=variable")
    assert resolve_dsn(None) == "dbname=variable"
    assert resolve_dsn("dbname=argument") == "dbname=argument"


@pytest.mark.parametrize("value", [None, ""])
def test_without_either_libpq_decides(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    if value is not None:
        monkeypatch.setenv(VARIABLE, value)
    assert resolve_dsn(None) == ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("hunter2", "missing = after"),
        ("host=db password=hunter2 hunter2", "missing = after"),
        ("host=db hunter2=1 password=hunter2", "invalid connection option"),
        ("host=db password='hunter2", "unterminated quoted string"),
        ("postgresql://joe:hunter2%zz@db/shop", "invalid percent-encoded token"),
        ("postgresql://joe:x@hunter2@db/shop", "must be written as %40"),
        ("postgresql+psycopg://joe:x@hunter2@db/shop", "must be written as %40"),
        ("postgresql+psycopg://joe:x@db:hunter2/shop", "SQLAlchemy URL cannot be read"),
        ("postgresql+psycopg://joe:hunter2@db/shop?ssl=1", "invalid connection option"),
        ("mysql+pymysql://joe:hunter2@db/shop", "not one of PostgreSQL"),
        ("mysql://joe:hunter2@db/shop", "missing = after"),
    ],
)
def test_a_wrong_text_is_refused_with_the_reason_and_no_secret(text: str, reason: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        resolve_dsn(text)
    assert reason in str(caught.value)
    assert "hunter2" not in str(caught.value)


@given(st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=0x24F), min_size=1))
def test_redact_drops_the_password_and_keeps_the_rest(password: str) -> None:
    dsn = make_conninfo("host=db", user="joe", password=password, sslpassword=password)
    assert conninfo_to_dict(redact(dsn)) == {"host": "db", "user": "joe"}


@given(st.text(max_size=40))
def test_any_text_is_either_readable_or_refused(text: str) -> None:
    try:
        dsn = resolve_dsn(text)
    except ConfigurationError:
        return
    conninfo_to_dict(dsn)


@pytest.mark.parametrize("dsn", ["postgresql://joe:hunter2@db/shop", "host=db hunter2", "hunter2"])
def test_redact_never_shows_a_password(dsn: str) -> None:
    assert "hunter2" not in redact(dsn)


def test_psycopg_takes_what_comes_out() -> None:
    with pytest.raises(psycopg.OperationalError, match="/nonexistent"):
        psycopg.connect(resolve_dsn("postgresql+psycopg://joe@/shop?host=/nonexistent"))

"""Loads the demo's shop, with uuid4 keys, into the database of UUIDMIG_DSN.

    python -m scripts.load_shop [ORDERS]

For trying uuidmig out, on the server of docker-compose.yml for one. Needs a superuser, for the
extensions that look into indexes; the schema `shop` must not exist.
"""

from __future__ import annotations

import sys

import psycopg

from uuidmig.demo.data import load_shop
from uuidmig.demo.schema import create_shop
from uuidmig.servers.dsn import resolve_dsn

ORDERS = 20_000
EXTENSIONS = (
    "CREATE EXTENSION IF NOT EXISTS pgstattuple; CREATE EXTENSION IF NOT EXISTS pageinspect"
)


def main(orders: int = ORDERS) -> None:
    """Make the shop and say how many rows it has."""
    with psycopg.connect(resolve_dsn(None), autocommit=True) as connection:
        connection.execute(EXTENSIONS)
        create_shop(connection)
        rows = load_shop(connection, orders=orders)
    print(f"loaded {rows:,} rows into the schema shop", file=sys.stderr)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))

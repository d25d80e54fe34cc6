"""Transactions of the shop that change rows: ordinary columns, references, timestamps and keys.

The row is addressed by its label; references are written with remembered keys.
"""

from __future__ import annotations

from datetime import timedelta

from psycopg.types.json import Jsonb

from uuidmig.demo.desk import Desk
from uuidmig.demo.inserts import insert_tag
from uuidmig.demo.model import Change


def edit_order(desk: Desk, order: str) -> list[Change]:
    """Ordinary columns, one of them read by a generated column."""
    note, shipping = f"note {desk.random.randrange(1000)}", desk.random.randrange(0, 2000)
    total, updated_at = desk.session.one(
        "UPDATE shop.orders SET note = %s, shipping_cents = %s, updated_at = clock_timestamp()"
        " WHERE reference = %s RETURNING total_cents, updated_at",
        note,
        shipping,
        order,
    )
    values = {"note": note, "shipping_cents": shipping, "total_cents": total}
    return [desk.model.changed("orders", order, **values, updated_at=updated_at)]


def edit_item(desk: Desk, item: str) -> list[Change]:
    quantity = desk.random.randint(1, 9)
    (amount,) = desk.session.one(
        "UPDATE shop.order_items SET quantity = %s WHERE line_reference = %s"
        " RETURNING amount_cents",
        quantity,
        item,
    )
    return [desk.model.changed("order_items", item, quantity=quantity, amount_cents=amount)]


def edit_profile(desk: Desk, customer: str) -> list[Change]:
    """Insert or update the row whose primary key is the customer's."""
    settings = {"theme": desk.random.randrange(10)}
    newsletter = desk.random.random() < 0.5
    known = customer in desk.model.rows["profiles"]
    (created_at,) = desk.session.one(
        "UPDATE shop.profiles SET newsletter = %s, settings = %s WHERE customer_id ="
        " (SELECT id FROM shop.customers WHERE email = %s) RETURNING created_at"
        if known
        else "INSERT INTO shop.profiles (newsletter, settings, customer_id) VALUES (%s, %s, %s)"
        " RETURNING created_at",
        newsletter,
        Jsonb(settings),
        customer if known else desk.key("customers", customer),
    )
    row = {"newsletter": newsletter, "settings": settings, "created_at": created_at}
    return [Change("profiles", customer, row)]


def move_item(desk: Desk, item: str) -> list[Change]:
    """A line goes to another order."""
    order = desk.pick("orders") or str(desk.model.rows["order_items"][item]["order"])
    desk.session.change(
        "UPDATE shop.order_items SET order_id = %s WHERE line_reference = %s",
        desk.key("orders", order),
        item,
    )
    return [desk.model.changed("order_items", item, order=order)]


def move_order(desk: Desk, order: str) -> list[Change]:
    """An order gets another customer, and replaces another order or none."""
    customer = desk.pick("customers") or str(desk.model.rows["orders"][order]["customer"])
    replaces = desk.pick("orders") if desk.random.random() < 0.7 else None
    desk.session.change(
        "UPDATE shop.orders SET customer_id = %s, replaces_order_id = %s WHERE reference = %s",
        desk.key("customers", customer),
        None if replaces is None else desk.key("orders", replaces),
        order,
    )
    return [desk.model.changed("orders", order, customer=customer, replaces=replaces)]


def tag_order(desk: Desk, order: str) -> list[Change]:
    """Put a tag on, or take the one it has off."""
    tagged = desk.model.naming("order_tags", "order", order)
    if not tagged:
        return [insert_tag(desk, order, desk.key("orders", order))]
    label = desk.random.choice(tagged)
    desk.session.change(
        "DELETE FROM shop.order_tags"
        " WHERE order_id = (SELECT id FROM shop.orders WHERE reference = %s)"
        " AND tag_id = (SELECT id FROM shop.tags WHERE name = %s)",
        order,
        label.removeprefix(f"{order}#"),
    )
    return [Change("order_tags", label, None)]


def _shift(desk: Desk) -> timedelta:
    return timedelta(microseconds=desk.random.randrange(1, 30 * 86_400 * 1_000_000))


def redate_order(desk: Desk, order: str) -> list[Change]:
    """The time that gives the key its order moves into the past."""
    (created_at,) = desk.session.one(
        "UPDATE shop.orders SET created_at = created_at - %s WHERE reference = %s"
        " RETURNING created_at",
        _shift(desk),
        order,
    )
    return [desk.model.changed("orders", order, created_at=created_at)]


def redate_customer(desk: Desk, customer: str) -> list[Change]:
    (created_at,) = desk.session.one(
        "UPDATE shop.customers SET created_at = created_at - %s WHERE email = %s"
        " RETURNING created_at",
        _shift(desk),
        customer,
    )
    return [desk.model.changed("customers", customer, created_at=created_at)]


def rekey_order(desk: Desk, order: str) -> list[Change]:
    """A new key for an order; the server takes everything that references it along."""
    (key,) = desk.session.one(
        "UPDATE shop.orders SET id = DEFAULT WHERE reference = %s RETURNING id", order
    )
    return [Change("orders", order, desk.model.rows["orders"][order], key)]


def rekey_customer(desk: Desk, customer: str) -> list[Change]:
    (key,) = desk.session.one(
        "UPDATE shop.customers SET id = DEFAULT WHERE email = %s RETURNING id", customer
    )
    return [Change("customers", customer, desk.model.rows["customers"][customer], key)]


def rekey_item(desk: Desk, item: str) -> list[Change]:
    (key,) = desk.session.one(
        "UPDATE shop.order_items SET id = DEFAULT WHERE line_reference = %s RETURNING id", item
    )
    return [Change("order_items", item, desk.model.rows["order_items"][item], key)]

"""Transactions of the shop that make rows: orders with all that belongs to them, and money.

Each function runs the statements of one transaction and returns what it leaves behind; the caller
commits. References are written with the keys the application remembers from when it made the row,
however long ago. Keys are left to the column's default.
"""

from __future__ import annotations

from uuid import UUID

from psycopg.types.json import Jsonb

from uuidmig.demo.desk import Desk
from uuidmig.demo.model import Change


def sign_up(desk: Desk) -> Change:
    """A new customer; part of the transaction of the first order."""
    email = f"{desk.new_label()}@shop.example"
    key, number, created_at = desk.session.one(
        "INSERT INTO shop.customers (email, name) VALUES (%s, 'Writer')"
        " RETURNING id, number, created_at",
        email,
    )
    row = {
        "number": number,
        "name": "Writer",
        "country": "DE",
        "note": None,
        "created_at": created_at,
        "updated_at": None,
    }
    return Change("customers", email, row, key)


def place_order(desk: Desk) -> list[Change]:
    """An order with its lines, tags and an audit entry; sometimes of a new customer."""
    customer = desk.pick("customers")
    changes = []
    if customer is None or desk.random.random() < 0.2:
        changes.append(sign_up(desk))
        customer, customer_key = changes[0].label, changes[0].key
    else:
        customer_key = desk.key("customers", customer)
    order = _insert_order(desk, customer, customer_key)
    changes.append(order)
    for line in range(1, desk.random.randint(2, 6)):
        changes.append(_insert_item(desk, order, line))
    if desk.random.random() < 0.5:
        changes.append(insert_tag(desk, order.label, order.key))
    changes.append(_insert_audit(desk, "placed", customer, customer_key, order.label, order.key))
    return changes


def _insert_order(desk: Desk, customer: str, customer_key: UUID | None) -> Change:
    reference = desk.new_label()
    replaces = desk.pick("orders") if desk.random.random() < 0.1 else None
    goods = desk.random.randrange(100, 20_000)
    key, number, total, created_at = desk.session.one(
        "INSERT INTO shop.orders (reference, customer_id, replaces_order_id, goods_cents)"
        " VALUES (%s, %s, %s, %s) RETURNING id, number, total_cents, created_at",
        reference,
        customer_key,
        None if replaces is None else desk.key("orders", replaces),
        goods,
    )
    row = {
        "number": number,
        "customer": customer,
        "replaces": replaces,
        "status": "new",
        "note": None,
        "goods_cents": goods,
        "shipping_cents": 490,
        "total_cents": total,
        "created_at": created_at,
        "updated_at": None,
    }
    return Change("orders", reference, row, key)


def _insert_item(desk: Desk, order: Change, line: int) -> Change:
    label = f"{order.label}/{line}"
    quantity, cents = desk.random.randint(1, 5), desk.random.randrange(100, 9000)
    sku = f"SKU-{desk.random.randrange(5000)}"
    key, amount, created_at = desk.session.one(
        "INSERT INTO shop.order_items (order_id, line_reference, sku, quantity, unit_cents)"
        " VALUES (%s, %s, %s, %s, %s) RETURNING id, amount_cents, created_at",
        order.key,
        label,
        sku,
        quantity,
        cents,
    )
    row = {
        "order": order.label,
        "sku": sku,
        "quantity": quantity,
        "unit_cents": cents,
        "amount_cents": amount,
        "created_at": created_at,
    }
    return Change("order_items", label, row, key)


def insert_tag(desk: Desk, order: str, order_key: UUID | None) -> Change:
    tag = desk.random.choice(sorted(desk.tags))
    desk.session.change(
        "INSERT INTO shop.order_tags (order_id, tag_id) VALUES (%s, %s)", order_key, desk.tags[tag]
    )
    return Change("order_tags", f"{order}#{tag}", {"order": order})


def _insert_audit(
    desk: Desk,
    what: str,
    customer: str | None,
    customer_key: UUID | None,
    order: str | None,
    order_key: UUID | None,
) -> Change:
    message, detail = f"{desk.new_label()} {what}", {"by": desk.prefix}
    (created_at,) = desk.session.one(
        "INSERT INTO shop.audit_log (customer_id, order_id, message, detail)"
        " VALUES (%s, %s, %s, %s) RETURNING created_at",
        customer_key,
        order_key,
        message,
        Jsonb(detail),
    )
    row = {"customer": customer, "order": order, "detail": detail, "created_at": created_at}
    return Change("audit_log", message, row)


def pay(desk: Desk, order: str) -> list[Change]:
    """Money comes in: a payment, the order's status and an audit entry."""
    amount = desk.value("orders", order, "total_cents")
    (updated_at,) = desk.session.one(
        "UPDATE shop.orders SET status = 'paid', updated_at = clock_timestamp()"
        " WHERE reference = %s RETURNING updated_at",
        order,
    )
    return [
        desk.model.changed("orders", order, status="paid", updated_at=updated_at),
        _insert_payment(desk, order, None, "card", amount),
        _insert_audit(desk, "paid", None, None, order, desk.key("orders", order)),
    ]


def refund(desk: Desk, payment: str) -> list[Change]:
    """Money goes back, in parts; refunds of refunds happen too."""
    order = str(desk.model.rows["payments"][payment]["order"])
    return [_insert_payment(desk, order, payment, "transfer", -desk.random.randint(1, 99))]


def _insert_payment(
    desk: Desk, order: str, refunds: str | None, method: str, amount: int
) -> Change:
    reference = desk.new_label()
    key, created_at = desk.session.one(
        "INSERT INTO shop.payments (order_id, refunds_payment_id, reference, method, amount_cents)"
        " VALUES (%s, %s, %s, %s, %s) RETURNING id, created_at",
        desk.key("orders", order),
        None if refunds is None else desk.key("payments", refunds),
        reference,
        method,
        amount,
    )
    row = {
        "order": order,
        "refunds": refunds,
        "method": method,
        "amount_cents": amount,
        "created_at": created_at,
    }
    return Change("payments", reference, row, key)

"""Transactions of the shop that delete rows, with what the server cascades to."""

from __future__ import annotations

from uuidmig.demo.desk import Desk
from uuidmig.demo.model import Change
from uuidmig.demo.updates import edit_profile


def delete_item(desk: Desk, item: str) -> list[Change]:
    desk.session.change("DELETE FROM shop.order_items WHERE line_reference = %s", item)
    return [Change("order_items", item, None)]


def delete_order(desk: Desk, order: str) -> list[Change]:
    """Payments first, which nothing cascades to; then the order and all that hangs on it."""
    payments = desk.model.naming("payments", "order", order)
    for payment in payments:
        # Refunds go with what they refund, so this may find the row gone.
        desk.session.execute("DELETE FROM shop.payments WHERE reference = %s", payment)
    desk.session.change("DELETE FROM shop.orders WHERE reference = %s", order)
    model = desk.model
    gone = [("payments", label) for label in payments]
    gone += [("order_items", label) for label in model.naming("order_items", "order", order)]
    gone += [("order_tags", label) for label in model.naming("order_tags", "order", order)]
    kept = [
        model.changed("orders", label, replaces=None)
        for label in model.naming("orders", "replaces", order)
        if label != order
    ]
    kept += [
        model.changed("audit_log", label, order=None)
        for label in model.naming("audit_log", "order", order)
    ]
    return [*(Change(table, label, None) for table, label in [*gone, ("orders", order)]), *kept]


def delete_customer(desk: Desk, customer: str) -> list[Change]:
    """Only one without orders; one who has some gets their profile edited instead."""
    model = desk.model
    if model.naming("orders", "customer", customer):
        return edit_profile(desk, customer)
    desk.session.change("DELETE FROM shop.customers WHERE email = %s", customer)
    return [
        *(
            model.changed("audit_log", label, customer=None)
            for label in model.naming("audit_log", "customer", customer)
        ),
        Change("profiles", customer, None),
        Change("customers", customer, None),
    ]

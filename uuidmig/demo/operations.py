"""What the shop's application does all day, and how often each of it."""

from __future__ import annotations

from collections.abc import Callable

from uuidmig.demo.deletes import delete_customer, delete_item, delete_order
from uuidmig.demo.desk import Desk
from uuidmig.demo.inserts import pay, place_order, refund
from uuidmig.demo.model import Change
from uuidmig.demo.updates import (
    edit_item,
    edit_order,
    edit_profile,
    move_item,
    move_order,
    redate_customer,
    redate_order,
    rekey_customer,
    rekey_item,
    rekey_order,
    tag_order,
)

Operation = Callable[[Desk, str], list[Change]]

# How often (of the sum), on a row of which table. place_order stands in when there is none.
OPERATIONS: tuple[tuple[int, str, Operation], ...] = (
    (12, "orders", pay),
    (3, "payments", refund),
    (12, "orders", edit_order),
    (9, "order_items", edit_item),
    (4, "customers", edit_profile),
    (8, "order_items", move_item),
    (4, "orders", move_order),
    (5, "orders", tag_order),
    (4, "orders", redate_order),
    (2, "customers", redate_customer),
    (3, "orders", rekey_order),
    (1, "customers", rekey_customer),
    (2, "order_items", rekey_item),
    (3, "order_items", delete_item),
    (7, "orders", delete_order),
    (2, "customers", delete_customer),
)
PLACE_ORDER_WEIGHT = 25


def run_operation(desk: Desk) -> list[Change]:
    """Run one transaction's statements, chosen by the writer's own random numbers."""
    weights = [PLACE_ORDER_WEIGHT, *(weight for weight, _, _ in OPERATIONS)]
    (number,) = desk.random.choices(range(len(weights)), weights)
    if number == 0:
        return place_order(desk)
    _, table, operation = OPERATIONS[number - 1]
    label = desk.pick(table)
    return place_order(desk) if label is None else operation(desk, label)

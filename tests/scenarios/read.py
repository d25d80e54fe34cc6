"""Schemas for life-cycle tests, each a file of SQL in three parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.by_range import by_range
from uuidmig.planner.model import Discriminator, PlanOptions, SoftReference

_FOLDER = Path(__file__).parent
_WHILE_COPYING = "\n-- while copying\n"
_AFTER_CUTOVER = "\n-- after the cutover\n"


@dataclass(frozen=True, slots=True)
class Scenario:
    """A schema with rows, what the application does during the copy, and after the cutover."""

    name: str
    options: PlanOptions = field(default_factory=PlanOptions)
    minimum_version: int = 15
    file: str | None = None  # another than that of its name
    change: Callable[[str], str] = str  # what is done to its text

    @property
    def setup(self) -> bytes:
        return self._text().partition(_WHILE_COPYING)[0].encode()

    @property
    def while_copying(self) -> bytes:
        return self._text().partition(_WHILE_COPYING)[2].partition(_AFTER_CUTOVER)[0].encode()

    @property
    def after_cutover(self) -> bytes:
        return self._text().partition(_AFTER_CUTOVER)[2].encode()

    def _text(self) -> str:
        text = self.change((_FOLDER / f"{self.file or self.name}.sql").read_text())
        assert text.count(_WHILE_COPYING) == text.count(_AFTER_CUTOVER) == 1
        return text


SCENARIOS = {
    "references": Scenario("references"),
    "indexes": Scenario("indexes"),
    "columns": Scenario("columns"),
    "columns_18": Scenario("columns_18", minimum_version=18),
    "not_null_18": Scenario("not_null_18", minimum_version=18),
    "triggers": Scenario("triggers"),
    "views": Scenario("views"),
    "routines": Scenario("routines"),
    "names": Scenario("names"),
    "timestamps": Scenario(
        "timestamps",
        PlanOptions(time_zone="Europe/Berlin", timestamps=(("public.chosen", "delivered"),)),
    ),
    "versions_converted": Scenario("versions", PlanOptions(non_v4="convert")),
    "versions_kept": Scenario("versions", PlanOptions(non_v4="keep", grace=False)),
    "types": Scenario("types"),
    "domains": Scenario("domains"),
    "statistics": Scenario("statistics"),
    "soft_references": Scenario(
        "soft_references",
        PlanOptions(
            soft_references=(
                SoftReference(
                    "audit_log.entity_id", "Orders.ID", Discriminator("entity_type", "order")
                ),
                SoftReference(
                    "public.audit_log.entity_id",
                    'public."Odd Place".id',
                    Discriminator("entity_type", "it's a place"),
                ),
                SoftReference("audit_log.actor", "profiles.user_id"),
                SoftReference("orders.follows", "orders.id"),
                SoftReference(
                    'Other."Weird ""Name"""."the key"', "orders.id", Discriminator("Kind Of", "2")
                ),
            )
        ),
    ),
    "soft_inside": Scenario(
        "soft_inside",
        PlanOptions(
            soft_references=(
                SoftReference('orders."see also"', "orders.id"),
                SoftReference("events.subjects", "orders.id", Discriminator("kind", "order")),
                SoftReference("events.subjects", "users.id", Discriminator("kind", "user")),
                SoftReference("events.labels", "users.id"),
                SoftReference('events."the Data"', "orders.id", path="$.order"),
                SoftReference('events."the Data"', "orders.id", path="$.lines[*].order"),
                SoftReference('events."the Data"', "users.id", path="$.lines[*]"),
                SoftReference("events.raw", "users.id", path="$.user"),
            )
        ),
    ),
    "partitions": Scenario("partitions"),
    "partitions_by_key": Scenario("partitions_by_key"),
    "partitions_by_listed_key": Scenario("partitions_by_listed_key"),
    "partitions_by_key_range": Scenario(
        "partitions_by_key_range", file="partitions_by_key", change=by_range
    ),
    "partitions_by_range": Scenario("partitions_by_range"),
    "partitions_combined": Scenario(
        "partitions_combined",
        PlanOptions(
            soft_references=(
                SoftReference("audit.entity", "customers.id", Discriminator("kind", "customer")),
                SoftReference("audit.actor", "customers.id"),
            )
        ),
    ),
    "outside": Scenario("outside", PlanOptions(tables=("orders", "items"))),
}

"""When it is tried whether event triggers let temporary tables pass."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.factories import key, plan, table, timestamp
from uuidmig.engine.event_triggers import try_temporary_tables
from uuidmig.errors import ConnectionFailed
from uuidmig.planner.model import Hazard

NOWHERE = "host=/nowhere"


def test_nothing_is_tried_where_no_event_trigger_is() -> None:
    try_temporary_tables(NOWHERE, plan(table("t", key(), timestamp("created_at"))))


def test_it_is_tried_where_the_plan_noted_one() -> None:
    made = plan(table("t", key(), timestamp("created_at")))
    noted = Hazard("note", "event-trigger", "audit", "", "")
    with pytest.raises(ConnectionFailed):
        try_temporary_tables(NOWHERE, replace(made, hazards=(*made.hazards, noted)))

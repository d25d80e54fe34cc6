"""What a report is made from, and all of it as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from uuidmig.bench.measurement import InsertProbe, Measurement
from uuidmig.demo.application import ApplicationRecord
from uuidmig.engine.migration_record import MigrationRecord


@dataclass(frozen=True, slots=True)
class ReportDocument:
    """Any part may be missing. `bench` is a document that `uuidmig bench inserts --json` printed,
    `application` what the demo's writers felt."""

    created_at: datetime
    tool_version: str
    migration: MigrationRecord | None = None
    application: ApplicationRecord | None = None
    bench: Mapping[str, Any] | None = None

    def measurement(self, stage: str) -> Measurement | None:
        """Return the measurement of that stage, None when none was taken."""
        found = self.migration.measurements if self.migration else ()
        return next((one for one in found if one.stage == stage), None)

    @property
    def measured(self) -> tuple[Measurement, ...]:
        """What was measured, before first."""
        return tuple(one for stage in ("before", "after") if (one := self.measurement(stage)))

    def probes(self) -> tuple[tuple[InsertProbe, InsertProbe], ...]:
        """Return the insert probes of tables that have one from before and one from after."""
        before, after = self.measurement("before"), self.measurement("after")
        if before is None or after is None:
            return ()
        later = {probe.table: probe for probe in after.probes}
        return tuple((one, later[one.table]) for one in before.probes if one.table in later)

"""The parts of a plan as sentences."""

from __future__ import annotations

from uuidmig.catalog.model import KeyCounts
from uuidmig.planner.model import Generator, KeyDomain, Reference, TimestampSource
from uuidmig.report.units import count, share


def describe_keys(counts: KeyCounts | None) -> str:
    """Return the shares of key versions and how they were found out."""
    if counts is None:
        return "not counted"
    if counts.total == 0:
        return "no rows"
    parts = (("v4", counts.v4), ("v7", counts.v7), ("other", counts.other))
    shares = ", ".join(f"{name} {share(part, counts.total)}" for name, part in parts if part)
    how = "exact" if counts.exact else "estimated from a sample"
    return f"{shares} of {count(counts.total)} ({how})"


def describe_timestamp(source: TimestampSource) -> str:
    """Return where the keys' time comes from, and why."""
    match source.kind:
        case "column":
            zone = f" read as {source.time_zone}" if source.time_zone else ""
            chosen = f"{source.column} ({source.column_type}{zone})"
        case "parent":
            chosen = f"that of the parent, through {source.foreign_key} ({source.column})"
        case _:
            chosen = "plan time for all keys"
    return f"{chosen}: {source.reason}"


def describe_generator(generator: Generator) -> str:
    """Return who makes new keys, and what the cutover changes about it."""
    match generator.kind:
        case "server":
            return f"the server: {generator.expression} becomes {generator.new_default} at cutover"
        case "server_v7":
            return f"the server, uuid7 already: {generator.expression}"
        case "other":
            return f"the server, by an expression we keep: {generator.expression}"
        case _:
            return "the application: it has to make uuid7 keys itself from the cutover on"


def describe_soft(domain: KeyDomain, reference: Reference) -> str:
    """Return what a declared soft reference references, where in a document and in which rows."""
    when = reference.when
    rows = f", where {when.column} is {when.equals}" if when is not None else ""
    where = f", at {reference.path}" if reference.path is not None else ""
    return f"keys of {domain.root}{where}{rows}"

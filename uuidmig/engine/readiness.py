"""What a command needs of the migration under way before it does anything, or says it will."""

from __future__ import annotations

from uuidmig import __version__
from uuidmig.engine import journal
from uuidmig.engine.connection import Connection, connect
from uuidmig.engine.journal import Run
from uuidmig.engine.locks import reading

BEFORE_CUTOVER = ("prepared", "copying", "copied", "built", "caught_up", "verified")

_STATES = {
    "verify": ("built", "caught_up", "verified"),
    "cutover": ("verified", "cutover"),
    "abort": (*BEFORE_CUTOVER, "verify_failed", "rolled_back"),
    "rollback": ("cutover", "validated", "switched", "rolled_back"),
    "finish": ("cutover", "validated", "switched"),
}
_STATES_OF_DEFAULT_ONLY = {**_STATES, "cutover": ("prepared", "switched")}
_OF_ANY_VERSION = ("abort",)


def ready_run(connection: Connection, command: str) -> Run:
    """Return the migration of this database if `uuidmig COMMAND` may run now.

    Raises NoJournal, PlanMismatch where another version began it, WrongState.
    """
    run = journal.read_run(connection)
    if command not in _OF_ANY_VERSION:
        journal.require_version(run, __version__)
    states = _STATES_OF_DEFAULT_ONLY if run.plan.default_only else _STATES
    journal.require(run, command, *states[command])
    return run


def require_ready(dsn: str, command: str) -> Run:
    """The same, before anybody is asked whether to go on: nothing is held, so it is asked again.

    Raises LockNotObtained, too, where somebody holds a table of the journal.
    """
    with connect(dsn, command) as connection, reading(connection, command):
        return ready_run(connection, command)

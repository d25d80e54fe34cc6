"""What a failure looks like: one message on stderr and the exit code of its cause."""

from __future__ import annotations

import signal
import traceback
from types import FrameType

from uuidmig.cli.talk import Talk
from uuidmig.errors import Interrupted, UuidmigError

_UNEXPECTED = 1
_TERMINATED = 128 + signal.SIGTERM


class Terminated(KeyboardInterrupt):
    """SIGTERM came: the same as Ctrl-C, but for the exit code."""


def heed_sigterm() -> None:
    """Let SIGTERM end the command as Ctrl-C does: after the batch under way."""

    def terminate(number: int, frame: FrameType | None) -> None:
        raise Terminated

    signal.signal(signal.SIGTERM, terminate)


def report_failure(error: BaseException, talk: Talk) -> int:
    """Say what went wrong and return the exit code; with -v the traceback as well."""
    import psycopg

    if talk.verbosity > 0:
        talk.show(talk.scrub("".join(traceback.format_exception(error)).rstrip()))
    match error:
        case Terminated() | Interrupted(__cause__=Terminated()):
            talk.complain(str(Interrupted()))
            return _TERMINATED
        case UuidmigError():
            talk.complain(str(error))
            return error.exit_code
        case KeyboardInterrupt():
            talk.complain(str(Interrupted()))
            return Interrupted.exit_code
        case psycopg.OperationalError():
            talk.complain(f"no connection to the server: {_first_line(error)}{_HINT}")
        case psycopg.Error():
            talk.complain(f"the server reports {error.sqlstate}: {_first_line(error)}{_HINT}")
        case _:
            talk.complain(f"unexpected {type(error).__name__}: {_first_line(error)}{_HINT}")
    return _UNEXPECTED


_HINT = "\n`uuidmig status` tells where things stand; -v shows the traceback."


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or ["no message"])[0]

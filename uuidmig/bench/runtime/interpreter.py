"""General work of an interpreter, none of it in a library of C alone.

About a millisecond each: on a busy machine some rounds of such a length still have a core for
themselves, while longer ones all share it with others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID

from uuidmig.bench.runtime.model import Case, plainly

_N = 2000
_WORDS = [f"{Random(number).getrandbits(64):016x}" for number in range(_N)]
_ROWS = [{"id": word, "total": number, "tags": ["a", "b"]} for number, word in enumerate(_WORDS)]
_KEYS = [str(UUID(int=Random(number).getrandbits(128), version=4)) for number in range(_N // 4)]
_PATTERN = re.compile(r"([0-9a-f]{8})-([0-9a-f]{4})-4")


def cases() -> Iterator[Case]:
    """Yield them all."""
    for work, right in _WORK:
        yield Case("the interpreter", work.__name__, {}, plainly(work), right)


def function_calls() -> int:
    def fibonacci(number: int) -> int:
        return number if number < 2 else fibonacci(number - 1) + fibonacci(number - 2)

    return fibonacci(18)


@dataclass(slots=True)
class _Account:
    balance: int = 0

    def add(self, amount: int) -> None:
        self.balance += amount


def methods_and_attributes() -> int:
    account = _Account()
    for amount in range(_N):
        account.add(amount)
    return account.balance


def objects() -> int:
    return sum(account.balance for account in [_Account(number) for number in range(_N)])


def loops() -> int:
    total = 0
    for number in range(3 * _N):
        if number % 3:
            total += number
    return total


def dicts() -> int:
    counts: dict[str, int] = {}
    for word in _WORDS:
        counts[word[:2]] = counts.get(word[:2], 0) + 1
    return len({word: number for number, word in enumerate(_WORDS)}) + sum(counts.values())


def lists() -> int:
    taken = []
    for number in range(_N):
        taken.append(number)
    doubled = [2 * number for number in taken if number % 2]
    doubled.extend(taken[::3])
    while taken:
        taken.pop()
    return len(doubled)


def strings() -> int:
    text = ",".join(f"{word.upper()}:{number:05d}" for number, word in enumerate(_WORDS))
    return len([part for part in text.split(",") if part.startswith("F") and "A" in part])


def json_text() -> int:
    return len(json.loads(json.dumps(_ROWS)))


def sorting() -> str:
    by_end = sorted(_WORDS, key=lambda word: (word[-2:], word))
    return by_end[0]


def exceptions() -> int:
    caught = 0
    for word in _WORDS:
        try:
            if word:
                raise ValueError(word)
        except ValueError:
            caught += 1
    return caught


def generators() -> int:
    def numbers() -> Iterator[int]:
        yield from range(3 * _N)

    return sum(number for number in numbers() if number & 1)


def regular_expressions() -> int:
    return sum(1 for key in _KEYS if _PATTERN.match(key))


def parsed_uuids() -> int:
    return len({UUID(key).int for key in _KEYS})


_WORK: tuple[tuple[Callable[[], object], Callable[[Any], bool]], ...] = (
    (function_calls, (2584).__eq__),
    (methods_and_attributes, sum(range(_N)).__eq__),
    (objects, sum(range(_N)).__eq__),
    (loops, sum(number for number in range(3 * _N) if number % 3).__eq__),
    (dicts, (2 * _N).__eq__),
    (lists, (_N // 2 + len(range(0, _N, 3))).__eq__),
    (strings, lambda found: found == sum(w[0] == "f" and "a" in w for w in _WORDS)),
    (json_text, _N.__eq__),
    (sorting, lambda first: first == min(_WORDS, key=lambda word: (word[-2:], word))),
    (exceptions, _N.__eq__),
    (generators, sum(range(1, 3 * _N, 2)).__eq__),
    (regular_expressions, len(_KEYS).__eq__),
    (parsed_uuids, len(_KEYS).__eq__),
)

"""Compressing and decompressing a key map, as `export-map` and `import-map` do."""

from __future__ import annotations

import gzip
import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache, partial
from random import Random
from uuid import UUID

from uuidmig.bench.runtime.model import Case, Lacking, Operation
from uuidmig.keymap.compression import GZIP_LEVEL, ZSTD_LEVEL, zstd
from uuidmig.keymap.read import HEADER
from uuidmig.keys.mapping import EPOCH, new_key

SIZES = {"100 KB": 100_000, "10 MB": 10_000_000}

_FIRST = EPOCH + timedelta(days=20_000)
_LAST = _FIRST + timedelta(days=365)

Change = Callable[[bytes], bytes]
Method = tuple[Change, Change]


@cache
def key_map(octets: int) -> bytes:
    """Return so many bytes of a key map: rows in the order of time, the same in every run."""
    random = Random(octets)
    lines, length, made = [HEADER], len(HEADER), _FIRST
    while length < octets:
        made += timedelta(microseconds=random.randrange(1, 100_000_000))
        old = UUID(int=random.getrandbits(128), version=4)
        new = new_key(old, made, plan_time=_LAST, horizon=_LAST)
        lines.append(f"shop.orders,{old},{new}\n".encode())
        length += len(lines[-1])
    return b"".join(lines)[:octets]


def cases() -> Iterator[Case]:
    """Yield both directions by each method and size."""
    for size, octets in SIZES.items():
        for name, find in _METHODS.items():
            group, params = f"{size} of a key map", {"by": name}
            pack, back = partial(_pack, find, octets), _comes_back(find, octets)
            yield Case(group, "compress", params, pack, back)
            yield Case(group, "decompress", params, partial(_unpack, find, octets), _is(octets))


def _zstd() -> Method:
    module = zstd()
    if module is None:
        raise Lacking("no zstd: neither Python 3.14 nor backports.zstd (extra `fast`)")
    return partial(module.compress, level=ZSTD_LEVEL), module.decompress


def _gzip() -> Method:
    return partial(gzip.compress, compresslevel=GZIP_LEVEL), gzip.decompress


def _lz4() -> Method:
    try:
        module = importlib.import_module("lz4.frame")
    except ImportError:
        raise Lacking("the package lz4 is not installed") from None
    return module.compress, module.decompress


_METHODS: dict[str, Callable[[], Method]] = {"zstd": _zstd, "gzip": _gzip, "lz4": _lz4}


@contextmanager
def _pack(find: Callable[[], Method], octets: int) -> Iterator[Operation]:
    compress, _ = find()
    yield partial(compress, key_map(octets))


@contextmanager
def _unpack(find: Callable[[], Method], octets: int) -> Iterator[Operation]:
    compress, decompress = find()
    yield partial(decompress, compress(key_map(octets)))


def _comes_back(find: Callable[[], Method], octets: int) -> Callable[[bytes], bool]:
    def right(packed: bytes) -> bool:
        _, decompress = find()
        return len(packed) < octets and decompress(packed) == key_map(octets)

    return right


def _is(octets: int) -> Callable[[bytes], bool]:
    return lambda text: text == key_map(octets)

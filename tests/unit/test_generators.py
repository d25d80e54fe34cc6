from __future__ import annotations

import pytest

from tests.unit.factories import key
from uuidmig.planner.generators import find_generator


@pytest.mark.parametrize(
    ("default", "kind"),
    [
        ("gen_random_uuid()", "server"),
        ("public.gen_random_uuid()", "server"),
        ('"My ""ext".uuid_generate_v4()', "server"),
        ("uuidv4()", "server"),
        ("uuidv7()", "server_v7"),
        ("uuidv7('-01:00:00'::interval)", "server_v7"),
        ("uuidmig_keys.uuidv7()", "server_v7"),
        ("extensions.uuid_generate_v7()", "server_v7"),
        ("uuid_generate_v1()", "other"),
        ("'00000000-0000-0000-0000-000000000000'::uuid", "other"),
        ("COALESCE(app.current_id(), gen_random_uuid())", "other"),
        (None, "application"),
    ],
)
def test_kinds(default: str | None, kind: str) -> None:
    generator = find_generator(key(default=default), 180000)

    assert (generator.kind, generator.expression) == (kind, default)
    assert (generator.new_default is not None) == (kind == "server")


@pytest.mark.parametrize(
    ("version", "default"),
    [(180000, "uuidv7()"), (179999, "uuidmig_keys.uuidv7()"), (150018, "uuidmig_keys.uuidv7()")],
)
def test_new_default_depends_on_the_server(version: int, default: str) -> None:
    assert find_generator(key(), version).new_default == default

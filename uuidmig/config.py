"""Settings: flags, then UUIDMIG_* variables, then the configuration file, then the defaults.

The file is `uuidmig.toml`, or `[tool.uuidmig]` of `pyproject.toml`, in the working directory or
the nearest directory above it that has one. An empty environment variable counts as unset.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from pydantic_settings.sources import DefaultSettingsSource

from uuidmig.durations import parse_milliseconds
from uuidmig.errors import ConfigurationError


def _split_names(value: object) -> object:
    if isinstance(value, str):
        return tuple(name.strip() for name in value.split(",") if name.strip())
    return value


def _pair(text: object) -> object:
    if not isinstance(text, str):
        return text
    table, separator, column = text.rpartition("=")
    if not (separator and table.strip() and column.strip()):
        raise ValueError(f"{text!r} is not TABLE=COLUMN")
    return table.strip(), column.strip()


def _split_pairs(value: object) -> object:
    if isinstance(value, Mapping):
        return tuple(value.items())
    names = _split_names(value)
    return tuple(map(_pair, names)) if isinstance(names, list | tuple) else names


def _auto_is_none(value: object) -> object:
    return None if value == "auto" else value


def _milliseconds(value: object) -> object:
    return parse_milliseconds(value) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split_names)]
Pairs = Annotated[tuple[tuple[str, str], ...], NoDecode, BeforeValidator(_split_pairs)]


def _as_text(value: object) -> object:
    """A number or truth value is compared as PostgreSQL writes it."""
    return str(value).lower() if isinstance(value, bool | int) else value


class DiscriminatorSetting(BaseModel):
    """In which rows a soft reference is: where `column`, as text, equals `equals`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str
    equals: Annotated[str, BeforeValidator(_as_text)]


class SoftReferenceSetting(BaseModel):
    """A column that references keys without a foreign key; see docs/soft-references.md."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str
    references: str
    when: DiscriminatorSetting | None = None
    path: str | None = None


class Settings(BaseSettings):
    """What a run of uuidmig is told. Frozen; `load_settings` makes it."""

    model_config = SettingsConfigDict(
        env_prefix="UUIDMIG_", env_ignore_empty=True, extra="forbid", frozen=True
    )

    dsn: str | None = Field(default=None, repr=False)
    server: Literal["embedded", "docker"] | None = None
    tables: Names = ()
    schemas: Names = ()
    timestamps: Pairs = ()
    time_zone: str = "UTC"
    non_v4: Literal["refuse", "convert", "keep"] = "refuse"
    grace: bool = True
    accept_replication: bool = False
    strategy: Literal["rewrite", "default-only"] = "rewrite"
    soft_references: tuple[SoftReferenceSetting, ...] = ()
    batch: Annotated[int, Field(ge=1)] | Annotated[None, BeforeValidator(_auto_is_none)] = None
    workers: int = Field(default=2, ge=1, le=64)
    cutover: Literal["auto", "manual"] = "auto"
    alembic_config: str | None = None
    lock_timeout: Annotated[int, Field(ge=1), BeforeValidator(_milliseconds)] = 500

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, environment, file; no .env file and no secrets directory."""
        from_file = InitSettingsSource(settings_cls, init_kwargs=read_file_settings(Path.cwd()))
        return init_settings, env_settings, from_file, DefaultSettingsSource(settings_cls)


def load_settings(flags: Mapping[str, object]) -> Settings:
    """Return the settings; flags that are None or empty were not given.

    ConfigurationError when a value does not fit, naming the setting and never a secret.
    """
    given: dict[str, Any] = {
        name: value for name, value in flags.items() if value not in (None, (), [])
    }
    try:
        return _one_server(Settings(**given), given)
    except ValidationError as error:
        raise ConfigurationError(_explain(error)) from None


def _one_server(settings: Settings, given: Mapping[str, object]) -> Settings:
    """Let a flag for one kind of server beat a lower source's other kind; refuse a tie."""
    if settings.dsn is None or settings.server is None:
        return settings
    if ("dsn" in given) == ("server" in given):
        raise ConfigurationError("both a connection string and --server are set; choose one")
    loser = "server" if "dsn" in given else "dsn"
    return settings.model_copy(update={loser: None})


def _explain(error: ValidationError) -> str:
    first: dict[str, str] = {}
    for detail in error.errors(include_input=False):
        name, *inside = map(str, detail["loc"])
        place = f"{'.'.join(inside)}: " if name == "soft_references" and inside else ""
        first.setdefault(name, place + detail["msg"])
    return "\n".join(_explain_one(name, message) for name, message in first.items())


def _explain_one(name: str, message: str) -> str:
    flag = {"tables": "table", "schemas": "schema", "timestamps": "timestamp"}.get(name, name)
    reason = message.removeprefix("Value error, ")
    option = flag.replace("_", "-")
    if name == "soft_references":
        return f"{name} (UUIDMIG_{name.upper()}) is not usable: {reason}"
    return f"{name} (--{option}, UUIDMIG_{name.upper()}) is not usable: {reason}"


def find_file(directory: Path) -> Path | None:
    """Return the nearest file with our settings, in the directory or above it."""
    for folder in (directory, *directory.parents):
        if (own := folder / "uuidmig.toml").is_file():
            return own
        project = folder / "pyproject.toml"
        if project.is_file() and _section(project) is not None:
            return project
    return None


def read_file_settings(directory: Path) -> dict[str, Any]:
    """Return the settings of the file that `find_file` finds, empty without one.

    Keys may be written with hyphens. ConfigurationError names unknown keys and broken files.
    """
    path = find_file(directory)
    if path is None:
        return {}
    values = {key.replace("-", "_"): value for key, value in (_section(path) or {}).items()}
    if unknown := sorted(values.keys() - Settings.model_fields.keys()):
        known = ", ".join(sorted(Settings.model_fields))
        raise ConfigurationError(
            f"{path}: unknown settings: {', '.join(unknown)}; known are {known}"
        )
    return values


def _section(path: Path) -> dict[str, Any] | None:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read as TOML: {error}") from error
    if path.name == "uuidmig.toml":
        return content
    section = content.get("tool", {}).get("uuidmig")
    return section if isinstance(section, dict) else None

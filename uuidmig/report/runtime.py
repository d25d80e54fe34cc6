"""The running Python, for people."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from uuidmig.executors import choose_pool
from uuidmig.keys.generate import GENERATOR
from uuidmig.report.layout import grid
from uuidmig.runtime import RuntimeInfo


def runtime_table(info: RuntimeInfo) -> RenderableType:
    """Return what the interpreter is, and its features with YES or NO."""
    facts = grid("python", info.version)
    facts.add_row("implementation", info.implementation)
    facts.add_row("build", build_text(info))
    facts.add_row("GIL after imports", gil_text(info))
    facts.add_row("platform", info.platform)
    facts.add_row("cores", str(info.cores))
    facts.add_row("work of Python code", str(choose_pool("cpu")))
    facts.add_row("new keys by", GENERATOR)
    facts.add_row("versions", f"{info.minimum_version} or later, best {info.optimal_version}")
    features = grid("feature", "")
    for name, there in info.features.items():
        word = Text("YES", style="green") if there else Text("NO")
        features.add_row(name, word)
    return Group(facts, Text(), features)


def build_text(info: RuntimeInfo) -> str:
    """Return how the interpreter was built."""
    return "free-threaded" if info.free_threaded_build else "with the GIL"


def gil_text(info: RuntimeInfo) -> str:
    """Return whether the GIL is on after the imports, and whose doing that is."""
    if not info.gil_enabled:
        return "off"
    if not info.gil_enabled_by:
        return "on"
    return f"on, turned on by {', '.join(info.gil_enabled_by)}"

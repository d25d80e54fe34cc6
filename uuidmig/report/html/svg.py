"""Charts by matplotlib as SVG that belongs to the page: its fonts, its colours, light and dark.

matplotlib draws with colours that stand for variables of the page's style sheet, and texts stay
texts. The file has no dates and no random ids: the same data gives the same bytes.
"""

from __future__ import annotations

import html
import io
import re
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from uuidmig.errors import ReportUnavailable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, MUTED, GRID = "#010101", "#020202", "#030303"
BEFORE, AFTER, MIXED, ALERT, PLAIN = "#040404", "#050505", "#060606", "#070707", "#080808"
PAPER = "#090909"

_VARIABLES = {
    INK: "ink",
    MUTED: "muted",
    GRID: "grid",
    BEFORE: "before",
    AFTER: "after",
    MIXED: "mixed",
    ALERT: "alert",
    PLAIN: "plain",
    PAPER: "paper",
}

NARROW, WIDE = 360, 1120
"""Widths in pixels that charts are drawn for: a column or a telephone, and the whole page."""

_STYLE: Any = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10.5,
    "text.color": INK,
    "text.parse_math": False,  # names of tables may hold dollar signs
    "axes.edgecolor": GRID,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 10,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.color": GRID,
    "ytick.color": GRID,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "figure.facecolor": "none",
    "svg.fonttype": "none",
}

_SIZE = re.compile(r' (?:width|height)="[\d.]+pt"')
_DROPPED = re.compile(
    r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->|<defs>\s*</defs>", re.DOTALL
)
# What the page says once, what cannot be seen, and more digits than a screen shows.
_SLIMMED = (
    (re.compile(r" font-family: 'DejaVu Sans', sans-serif;"), ""),
    (re.compile(r' transform="rotate\(-0 [^)]*\)"'), ""),
    (re.compile(r'<path d="[^"]*" style="fill: none"/>'), ""),
    (re.compile(r"(\d\.\d\d?)\d*"), r"\1"),
    (re.compile(r"\s*\n\s*"), " "),
    (re.compile(r"> <"), "><"),
    (re.compile(r"(?:<g></g>)+"), ""),
)


def draw_svg(
    name: str, alt: str, paint: Callable[[Axes], None], *, width: int = NARROW, height: int = 230
) -> str:
    """Return one chart. `name` is unique on the page, `alt` says what the chart shows.

    Raises ReportUnavailable where matplotlib is not installed.
    """
    try:
        import matplotlib as mpl
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ReportUnavailable from error
    text = io.StringIO()
    # A name in a script that matplotlib's font lacks is drawn by the browser, which has it.
    with warnings.catch_warnings(), mpl.rc_context(_STYLE | {"svg.hashsalt": name}):
        warnings.simplefilter("ignore")
        figure = Figure(figsize=(width / 72, height / 72), layout="constrained")
        FigureCanvasSVG(figure)
        paint(figure.subplots())
        figure.savefig(text, format="svg", metadata={"Date": None})
    return _adopt(text.getvalue(), name, alt, width)


def _adopt(svg: str, name: str, alt: str, width: int) -> str:
    """Turn a file of matplotlib's into an element of the page."""
    svg = _DROPPED.sub("", svg[svg.index("<svg") :])
    head, rest = svg.split(">", 1)
    head = _SIZE.sub("", head).replace("<svg", f'<svg role="img" aria-label="{html.escape(alt)}"')
    # Groups are numbered in every chart alike, and nothing refers to them.
    rest = re.sub(r'<g id="[\w.]+"', "<g", rest)
    for colour, variable in _VARIABLES.items():
        rest = rest.replace(colour, f"var(--{variable})")
    for pattern, instead in _SLIMMED:
        rest = pattern.sub(instead, rest)
    kind = "wide" if width > NARROW else "narrow"
    return f'{head} data-chart="{html.escape(name)}" class="{kind}">{rest.strip()}'


def shorten(text: str, length: int = 46) -> str:
    """Return the text, with its middle left out when it is too long for a chart."""
    if len(text) <= length:
        return text
    half = (length - 1) // 2
    return f"{text[:half]}…{text[-half:]}"

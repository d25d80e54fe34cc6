"""The report in a real browser, at two widths and in both themes."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import escape, unescape
from pathlib import Path
from typing import Any

import pytest

from tests.report_sample import sample_report
from uuidmig.report.html import render_report

_NAMES = ("chromium", "chromium-browser", "chrome", "google-chrome")
BROWSER = next(filter(None, map(shutil.which, _NAMES)), None)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(BROWSER is None, reason="no chromium in PATH (Debian: chromium)"),
]

# Looks at the report in a frame, whose width is that of its media queries, from outside: the page
# itself lets no script run.
_PROBE = """<!doctype html><meta charset="utf-8"><body style="margin:0">
<iframe id="frame" style="border:0;width:%(width)dpx;height:900px" srcdoc="%(page)s"></iframe>
<pre id="found"></pre><script>
document.getElementById("frame").onload = () => {
  const view = document.getElementById("frame").contentWindow, page = view.document;
  const shown = [...page.querySelectorAll("svg")].filter(one => one.getBoundingClientRect().width);
  const apart = (a, b) => a.right <= b.left + 1 || b.right <= a.left + 1
    || a.bottom <= b.top + 2 || b.bottom <= a.top + 2;
  const overlaps = [], outside = [], small = [];
  for (const svg of shown) {
    const around = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll("text")].filter(one => one.textContent.trim());
    const boxes = texts.map(one => one.getBoundingClientRect());
    boxes.forEach((box, i) => {
      const name = svg.dataset.chart + ": " + texts[i].textContent;
      if (Math.max(box.height, box.width) < 9) small.push(name);
      if (box.left < around.left - 1 || box.right > around.right + 1
          || box.top < around.top - 1 || box.bottom > around.bottom + 1) outside.push(name);
      for (let j = i + 1; j < boxes.length; j++)
        if (!apart(box, boxes[j])) overlaps.push(name + " / " + texts[j].textContent);
    });
  }
  const body = view.getComputedStyle(page.body);
  const text = shown[0].querySelector("text");
  document.getElementById("found").textContent = JSON.stringify({
    charts: shown.map(svg => svg.dataset.chart),
    overflow: page.documentElement.scrollWidth - page.documentElement.clientWidth,
    overlaps, outside, small,
    requests: view.performance.getEntriesByType("resource").map(one => one.name),
    background: body.backgroundColor, ink: body.color,
    chartInk: view.getComputedStyle(text).fill,
  });
};
</script>"""


def look(page: str, folder: Path, width: int, *, dark: bool = False) -> dict[str, Any]:
    """Return what the browser found on the page at that width."""
    assert BROWSER is not None
    file = folder / "probe.html"
    file.write_text(_PROBE % {"width": width, "page": escape(page)}, encoding="utf-8")
    command = [
        *(BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"),
        *("--virtual-time-budget=5000", f"--user-data-dir={folder / 'profile'}"),
        *("--host-resolver-rules=MAP * ~NOTFOUND", *(["--force-dark-mode"] if dark else [])),
        file.as_uri(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    found = re.search(r'<pre id="found">(.+?)</pre>', done.stdout, re.DOTALL)
    assert found, done.stdout[-2000:] + done.stderr[-2000:]
    result: dict[str, Any] = json.loads(unescape(found[1]))
    return result


@pytest.fixture(scope="module")
def page() -> str:
    return render_report(sample_report())


@pytest.fixture(scope="module")
def seen(page: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The page on a screen and on a telephone, and on a screen that is dark."""
    return {
        "screen": look(page, tmp_path_factory.mktemp("screen"), 1280),
        "telephone": look(page, tmp_path_factory.mktemp("telephone"), 400),
        "dark": look(page, tmp_path_factory.mktemp("dark"), 1280, dark=True),
    }


@pytest.mark.parametrize("place", ["screen", "telephone", "dark"])
def test_everything_fits_and_nothing_overlaps(seen: dict[str, Any], place: str) -> None:
    found = seen[place]
    assert found["overflow"] == 0
    assert found["overlaps"] == []
    assert found["outside"] == []
    assert found["small"] == []
    assert len(found["charts"]) > 20
    assert found["requests"] == []


def test_what_would_not_fit_is_noticed(page: str, tmp_path: Path) -> None:
    wide = page.replace("<main>", '<main><div style="width:2000px">x</div>')
    crowded = wide.replace(
        "</svg>", '<text x="1" y="20">aaaa</text><text x="3" y="20">b</text></svg>'
    )
    found = look(crowded, tmp_path, 400)
    assert found["overflow"] > 0
    assert found["overlaps"]


def test_each_width_has_its_own_drawing_of_the_run(seen: dict[str, Any]) -> None:
    wide, narrow = seen["screen"]["charts"], seen["telephone"]["charts"]
    assert "timeline-1120" in wide
    assert "timeline-360" not in wide
    assert "timeline-360" in narrow
    assert "timeline-1120" not in narrow


def test_both_themes_are_readable(seen: dict[str, Any]) -> None:
    light, dark = seen["screen"], seen["dark"]
    assert luminance(light["background"]) > luminance(dark["background"])
    for found in (light, dark):
        assert contrast(found["ink"], found["background"]) > 7
        assert contrast(found["chartInk"], found["background"]) > 4.5


def luminance(colour: str) -> float:
    """Return the relative luminance of rgb(…), as WCAG defines it."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours: 1 none, 21 black on white."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)

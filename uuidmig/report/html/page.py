"""The page around the sections: one file, no script, no address of anything else."""

from __future__ import annotations

import json
from functools import cache
from html import escape
from importlib.resources import files
from string import Template

from uuidmig.report.document import SCHEMA_VERSION, plain
from uuidmig.report.html.model import ReportDocument
from uuidmig.report.html.sections import sections
from uuidmig.report.html.verdict import verdict

_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>$title</title>
<style>
$style</style>
</head>
<body>
<main>
<h1>$title</h1>
<p class="sub">Made $made by uuidmig $version. Sizes in units of 1024 bytes, times in UTC.</p>
<p class="verdict">$verdict</p>
$sections
<section><h2>Raw data</h2>
<p class="note">All figures are in this file as JSON, in the element with id "data";
<code>uuidmig report --json</code> prints the same document.</p>
</section>
</main>
<script type="application/json" id="data">$data</script>
</body>
</html>
""")


def render_report(report: ReportDocument) -> str:
    """Return the HTML. Raises ReportUnavailable where matplotlib is not installed."""
    return _PAGE.substitute(
        title=escape(_title(report)),
        style=_style(),
        made=f"{report.created_at:%Y-%m-%d %H:%M}",
        version=escape(report.tool_version),
        verdict=escape(verdict(report)),
        sections="\n".join(sections(report)),
        data=_data(report),
    )


def _title(report: ReportDocument) -> str:
    if report.migration is None:
        return "uuid4 and uuid7: inserts compared"
    return f"From uuid4 to uuid7: {report.migration.database}"


@cache
def _style() -> str:
    return files(__package__).joinpath("page.css").read_text(encoding="utf-8")


def _data(report: ReportDocument) -> str:
    """JSON that no text in it can end early: whatever could begin a tag is escaped."""
    body = {"schema_version": SCHEMA_VERSION, "report": plain(report)}
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")

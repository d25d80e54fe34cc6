"""The report as one HTML file that needs nothing else: no network, no script, its data inside."""

from __future__ import annotations

from uuidmig.report.html.model import ReportDocument
from uuidmig.report.html.page import render_report

__all__ = ["ReportDocument", "render_report"]

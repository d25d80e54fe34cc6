"""The HTML report: one file, nothing from elsewhere, names harmless, figures where they belong."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from tests.report_sample import EVIL, sample_bench, sample_measurement, sample_report
from uuidmig.engine.status_model import JournalEvent
from uuidmig.errors import ReportUnavailable
from uuidmig.report.html import ReportDocument, render_report
from uuidmig.report.html.run_charts import _rates
from uuidmig.report.html.verdict import verdict

VOID = {"meta", "br", "path", "use", "rect", "circle", "line", "polygon", "polyline"}


class Reader(HTMLParser):
    """Collects tags, attributes and texts; fails on tags that do not pair."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.fixture(scope="module")
def page() -> str:
    return render_report(sample_report())


@pytest.fixture(scope="module")
def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


def test_nothing_comes_from_elsewhere(page: str, read: Reader) -> None:
    assert {"link", "img", "iframe", "object", "video"}.isdisjoint(read.tags)
    for name, value in read.attributes:
        if name in ("src", "href", "xlink:href"):
            assert value.startswith("#"), value
    assert "@import" not in page
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", page))
    assert [value for name, value in read.attributes if name == "type"] == ["application/json"]


def test_no_script_runs(page: str) -> None:
    assert page.count("<script") == 1
    assert "default-src 'none'" in page


def test_names_of_the_database_are_text(page: str, read: Reader) -> None:
    assert "b" not in read.tags
    assert any(EVIL.name in text for text in read.texts)


def test_the_data_is_inside(page: str) -> None:
    text = page.split('id="data">')[1].split("</script>")[0]
    document = json.loads(text)
    assert document["schema_version"] == 1
    measured = document["report"]["migration"]["measurements"]
    assert [one["stage"] for one in measured] == ["before", "after"]
    assert measured[0]["probes"][1]["table"] == str(EVIL)


def test_the_same_data_gives_the_same_file(page: str) -> None:
    assert render_report(sample_report()) == page


def test_every_colour_is_of_the_theme(page: str) -> None:
    charts = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(charts) > 20
    assert not any(re.search(r"#[0-9a-f]{6}\b(?!\))", chart) for chart in charts)


def test_ids_are_unique(read: Reader) -> None:
    ids = [value for name, value in read.attributes if name == "id"]
    assert len(ids) == len(set(ids))


def test_the_verdict_says_what_was_measured() -> None:
    text = verdict(sample_report())
    assert "copied 3,000,000 rows of 3 tables" in text
    assert "Writers waited for its locks 87 ms at most" in text
    assert "25 % less than" in text
    assert "2.54 times the rate" in text  # medians 2.6 and 6.6 ms
    assert "200 against 333 bytes of WAL a row" in text
    assert "90 against 70 % full" in text
    assert "no gain" not in text
    assert "17.80 times as many rows" in text


def test_the_verdict_owns_up_to_a_loss() -> None:
    report = sample_report()
    assert report.migration is not None
    swapped = tuple(
        replace(sample_measurement(old), stage=new)
        for old, new in (("after", "before"), ("before", "after"))
    )
    text = verdict(replace(report, migration=replace(report.migration, measurements=swapped)))
    assert "33 % more than" in text
    assert "no gain in speed" in text


def test_the_verdict_without_measurements_says_how_to_get_them() -> None:
    report = sample_report()
    assert report.migration is not None
    bare = replace(report, migration=replace(report.migration, measurements=()))
    assert "migrate --measure" in verdict(bare)
    assert "Density and fragmentation" not in render_report(bare)


def test_a_run_that_has_only_begun_is_shown() -> None:
    report = sample_report()
    assert report.migration is not None
    begun = replace(report.migration, state="prepared", copied=(), events=(), measurements=())
    page = render_report(replace(report, migration=begun, application=None, bench=None))
    assert "its state is prepared" in page


def test_one_measurement_is_shown_alone() -> None:
    report = sample_report()
    assert report.migration is not None
    before = replace(report.migration, measurements=(sample_measurement("before"),))
    page = render_report(replace(report, migration=before))
    assert "none from after it" in page
    assert "Density and fragmentation" in page
    assert "Throughput and latency of inserts" not in page


def test_a_benchmark_alone_is_a_report() -> None:
    report = sample_report()
    page = render_report(replace(report, migration=None, application=None))
    assert "uuid4 and uuid7: inserts compared" in page
    assert "rows per second uuid7 to uuid4" in page


def test_fields_that_a_benchmark_lacks_are_left_out() -> None:
    bare: dict[str, object] = {"benchmarks": []}
    odd: dict[str, object] = {"benchmarks": [{"name": "x"}, 3], "ratios": None}
    for bench in (bare, odd):
        report = ReportDocument(sample_report().created_at, "1", bench=bench)
        assert "</html>" in render_report(report)
    assert "bench-density" in render_report(
        ReportDocument(sample_report().created_at, "1", bench=sample_bench())
    )


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ReportUnavailable, match=r"uuidmig\[report\]"):
        render_report(sample_report())


def test_rows_are_spread_over_the_time_they_took() -> None:
    report = sample_report()
    assert report.migration is not None
    spans = report.migration.copied
    width = 37.0
    rates = _rates(spans, spans[0].start, width)
    assert sum(rates) * width * 1000 == pytest.approx(sum(span.rows for span in spans))


def test_the_timeline_takes_a_step_that_was_repeated() -> None:
    report = sample_report()
    assert report.migration is not None
    first = next(event for event in report.migration.events if event.step == "copy")
    again = JournalEvent(first.at, "step", "copy", {"seconds": 5})
    events = (*report.migration.events, again)
    page = render_report(replace(report, migration=replace(report.migration, events=events)))
    assert "5 h 33 min" in page

"""Is everything captured that reached the endpoint?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from monitoring.capture.endpoint_metrics import invocations
from monitoring.capture.export import Export
from monitoring.capture.records import SkippedLine
from monitoring.capture.span import Span, hour_of

SKIPPED_SHOWN = 100


@dataclass(frozen=True)
class Hour:
    """One full hour: how many invocations there were, and how many of them were captured."""

    start: datetime
    expected: int
    captured: int

    @property
    def share(self) -> float:
        """The share captured; at most 1, as CloudWatch and the records may disagree on which hour it was."""
        return min(1.0, self.captured / self.expected) if self.expected else 1.0


@dataclass
class Completeness:
    """Data capture held against what reached the endpoint, which `counted` names.

    Of `expected` invocations `joined` were found in the capture. Where those are executions, the inference ids in
    `missing` were not found, and `disagreeing` were found with other probabilities. `expected` is None where nothing
    is known but the capture itself.

    Of the `records` read, `without_id` carry no inference id and `foreign` one of no execution (another caller's, or an
    attempt that was repeated). `skipped` counts the lines that are no record; the first of them are kept.
    """

    counted: str = "executions that reached the endpoint"
    expected: int | None = 0
    joined: int = 0
    missing: list[str] = field(default_factory=list)
    disagreeing: int = 0
    records: int = 0
    without_id: int = 0
    foreign: int = 0
    skipped: int = 0
    skipped_lines: list[SkippedLine] = field(default_factory=list)
    hours: list[Hour] = field(default_factory=list)

    @property
    def share(self) -> float | None:
        """The share of the invocations that was captured; None where there were none."""
        return min(1.0, self.joined / self.expected) if self.expected else None

    def skip(self, line: SkippedLine) -> None:
        """Count a line that is no record."""
        self.skipped += 1
        if self.skipped <= SKIPPED_SHOWN:
            self.skipped_lines.append(line)

    def by_hour(self, expected: Mapping[datetime, int], captured: Mapping[datetime, int]) -> None:
        """Set `hours`, every hour that *expected* or *captured* knows, in order."""
        self.hours = [
            Hour(hour, expected.get(hour, 0), captured.get(hour, 0)) for hour in sorted({*expected, *captured})
        ]


def invoked_by_hour(endpoint: str, captured: Export, span: Span) -> dict[datetime, int]:
    """CloudWatch's invocations in the hours that lie wholly in *span*, to be compared with what was *captured*."""
    if not captured.hours:
        return {}
    hour = timedelta(hours=1)
    start = hour_of((span.start or min(captured.hours)) + hour - timedelta(microseconds=1))
    end = hour_of(span.end) if span.end else datetime.now(UTC)
    variants = [variant for variant in captured.variants if variant]
    return invocations(endpoint, variants, start, end) if start < end else {}

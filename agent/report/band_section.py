"""The part of the page that says how long the hedge was outside its bands, and why."""

from __future__ import annotations

from agent.report.formatting import counted, duration, percent, signed
from agent.report.html_parts import paragraph, section, table
from agent.report.outside_band import BandRecord, TimeOutside, governed_band, keeper_band
from agent.report.replay_report import OutsideReason, ReplayReport

_REASONS = {
    OutsideReason.TURNOVER: "Turnover budget used up",
    OutsideReason.COOLDOWN: "Cooldown after the last trade",
    OutsideReason.LOSS_BUDGET: "Loss budget, or the loss of one trade",
    OutsideReason.COST: "Gas or cost not worth what could be traded",
    OutsideReason.VENUE: "Venue refused, or too little depth",
    OutsideReason.ANOTHER_BOUND: "Another bound of the guard",
    OutsideReason.PENDING: "Transaction still on its way",
    OutsideReason.POLICY: "The policy wanted no more",
}
_WORDS = (
    "Counted from the end of a step, after its trade if there was one, to the next look. What the price did between "
    "two looks is not seen."
)


def band_section(report: ReplayReport) -> str:
    """Return the section: both bands, and a table of reasons for each that was left."""
    band = f"{signed(report.guard_band, 2)} {report.underlying}"
    return section(
        "Time outside the band",
        _WORDS,
        *_band(f"The worst case against the governed band ({band} at the end)", governed_band(report)),
        *_band("The net delta against the keeper's own band", keeper_band(report)),
    )


def _band(title: str, record: BandRecord) -> list[str]:
    ended = "it ended inside" if record.reached == record.mended == 1 else f"{record.mended:,} of them ended inside"
    began = f"{title}: {counted(record.reached, 'step')} began outside; {ended}."
    if not record.outside.steps:
        return [paragraph(f"{began} It was never left outside.")]
    rows = [(_REASONS[time.reason], *_cells(time)) for time in record.by_reason if time.reason is not None]
    rows.append(("Together", *_cells(record.outside)))
    columns = ("Why it stayed outside", "Steps", "Time", "Share of time", "Longest at a stretch")
    return [paragraph(began), table(columns, rows, total=True)]


def _cells(time: TimeOutside) -> tuple[str, ...]:
    return (f"{time.steps:,}", duration(time.seconds), percent(time.share), duration(time.longest_seconds))

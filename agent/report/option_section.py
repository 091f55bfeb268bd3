"""The part of the page that tells what options held as a hedge have cost and brought."""

from __future__ import annotations

from agent.report.formatting import money, money_change, signed
from agent.report.html_parts import section, table
from agent.report.option_gains import OptionGains
from agent.report.option_results import OptionResult
from agent.units import Wad, from_wad

_COLUMNS = ("Option", "Bought", "Sold", "Expired", "Held", "Paid", "Received", "Payoff", "Fees among them")
_WORDS = (
    "Options that the vault bought to take gamma and vega off the book, as its ledger has them. What is held counts at "
    "what selling it would bring."
)


def option_section(gains: OptionGains | None, positions: tuple[OptionResult, ...]) -> str:
    """Return the section; nothing where no option was held."""
    if gains is None:
        return ""
    rows = [(_name(row), *_sizes(row), *_sums(row)) for row in positions]
    sums = (gains.premium_paid_usd, gains.premium_received_usd, gains.payoff_usd, gains.fee_usd)
    rows.append(("All", "", "", "", "", *(money(usd) for usd in sums)))
    shown = table(_COLUMNS, rows, total=True, label="Options held as a hedge")
    return section("Options held as a hedge", f"{_WORDS} {gains_sentence(gains)}", shown)


def gains_sentence(gains: OptionGains) -> str:
    """Return the sum in words."""
    before = f", less {money_change(gains.before_usd)} before the first step" if gains.before_usd else ""
    return (
        f"Premiums of {money(gains.premium_paid_usd)} were paid and {money(gains.premium_received_usd)} received, "
        f"{money(gains.fee_usd)} of fees among them; payoffs brought {money(gains.payoff_usd)}; what is held is worth "
        f"{money(gains.value_usd)} at the end{before}: {money_change(gains.total_usd)} in all."
    )


def _name(row: OptionResult) -> str:
    kind = "" if row.is_call is None else f", {'call' if row.is_call else 'put'} of strike {row.strike_id}"
    return f"{row.position_id}{kind}"


def _sizes(row: OptionResult) -> tuple[str, ...]:
    return tuple(signed(from_wad(Wad(size)), 4) for size in (row.bought, row.sold, row.settled, row.held))


def _sums(row: OptionResult) -> tuple[str, ...]:
    return tuple(money(from_wad(Wad(usd))) for usd in (row.paid, row.received, row.payoff, row.fees))

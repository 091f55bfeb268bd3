"""What a person is told of acts of others on venue accounts: one line for each transaction and account."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from agent.keeper.alerts import AlertEvent
from agent.ledger.records import AccountEventRecord
from agent.units import Address, Wad, from_wad
from agent.venues.protocol import AccountEventKind

_GRAVE = {
    AccountEventKind.LIQUIDATION: AlertEvent.ACCOUNT_LIQUIDATED,
    AccountEventKind.BAD_DEBT: AlertEvent.ACCOUNT_BAD_DEBT,
}
"""What is told by itself; all else that its transaction did is told with the first of these."""


def account_alerts(
    events: Sequence[AccountEventRecord], names: Mapping[Address, str]
) -> Iterator[tuple[AlertEvent, str]]:
    """Yield alerts with their words, given what venues are called.

    A protocol may tell one act by several events: a liquidation is a trade and a penalty. Their sizes and cash add up.
    """
    acts: dict[tuple[str, Address], list[AccountEventRecord]] = {}
    for event in events:
        acts.setdefault((event.at.transaction_hash, event.venue), []).append(event)
    for (_, venue), parts in acts.items():
        grave = [kind for kind in _GRAVE if any(part.kind is kind for part in parts)]
        for kind in grave[1:]:
            yield _GRAVE[kind], _words([part for part in parts if part.kind is kind], names.get(venue, venue))
        rest = [part for part in parts if part.kind not in grave[1:]]
        yield _GRAVE[grave[0]] if grave else AlertEvent.ACCOUNT_CHANGED, _words(rest, names.get(venue, venue))


def _words(parts: Sequence[AccountEventRecord], name: str) -> str:
    kinds = " and ".join(dict.fromkeys(part.kind.value.replace("_", " ") for part in parts))
    size, cash = (from_wad(Wad(sum(numbers))) for numbers in zip(*((p.size_delta, p.cash) for p in parts), strict=True))
    where = f"account at {name}: {kinds} in block {parts[0].at.block.number}"
    came = f"{where}, position by {size:+.6g}, cash by {cash:+,.2f} USD; transaction {parts[0].at.transaction_hash}"
    if all(part.kind is AccountEventKind.BAD_DEBT for part in parts):
        return f"{came}; the venue wrote off what the account owed, and it starts anew: ask what its insurance paid"
    return came

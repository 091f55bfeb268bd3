"""Every alert by name: how grave it is, and what it says. docs/runbook.md says what to do; a test compares the two."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Severity(Enum):
    """Who is woken."""

    CRITICAL = "critical"
    """Somebody, now."""
    WARNING = "warning"
    """Nobody; somebody looks today."""
    RESOLVED = "resolved"
    TEST = "test"


class AlertName(Enum):
    """What can be wrong; the section of docs/runbook.md has the same name."""

    OUTSIDE_BAND = "outside_band"
    DELTA_UNKNOWN = "delta_unknown"
    ORACLE_UNHEALTHY = "oracle_unhealthy"
    VENUE_SILENT = "venue_silent"
    LEVERAGE_HIGH = "leverage_high"
    LIQUIDATION_NEAR = "liquidation_near"
    GAS_MONEY_LOW = "gas_money_low"
    KEEPER_DISMISSED = "keeper_dismissed"
    VAULT_STOPPED = "vault_stopped"
    CHAIN_UNREACHABLE = "chain_unreachable"
    KEEPER_UNHEALTHY = "keeper_unhealthy"
    PROCESS_HALTED = "process_halted"
    CYCLE_HUNG = "cycle_hung"
    CYCLES_FAILING = "cycles_failing"
    INTENT_STUCK = "intent_stuck"
    GUARD_MIRROR_DISAGREES = "guard_mirror_disagrees"
    ENDPOINT_FAILING = "endpoint_failing"
    KEY_USED_ELSEWHERE = "key_used_elsewhere"


_WARNINGS = frozenset(
    {
        AlertName.GAS_MONEY_LOW,
        AlertName.VAULT_STOPPED,
        AlertName.GUARD_MIRROR_DISAGREES,
        AlertName.ENDPOINT_FAILING,
    }
)


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing to be told. ``name`` is an `AlertName`'s, or the event of a critical line of the log."""

    name: str
    text: str
    severity: Severity = Severity.CRITICAL
    key: str = ""
    """What else was told under it lately need not be told again; the name, unless it is another event each time."""

    @classmethod
    def of(cls, name: AlertName, text: str) -> Alert:
        """Return the alert of a name, as grave as that name is."""
        return cls(name.value, text, Severity.WARNING if name in _WARNINGS else Severity.CRITICAL)

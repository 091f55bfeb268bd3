"""The tree of expected failures; anything outside it is a defect and halts the keeper."""

from __future__ import annotations

from collections.abc import Sequence

_CONTROLS = {code: "?" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\n\r"}
"""What moves a terminal's cursor or clears its screen; a message may repeat what a node, a signer or a file says."""


class AgentError(Exception):
    """Root of every failure the agent expects and knows how to answer."""

    def __str__(self) -> str:
        """Return the message as it can be shown at a terminal and written into a log."""
        return super().__str__().translate(_CONTROLS)


class DataError(AgentError):
    """Input that cannot be trusted: skip the cycle, or refuse the command.

    The message says what is wrong, where it is, and how to mend it, in one line.
    """


class BookMismatchError(DataError):
    """The book and the chain's sources do not have one delta."""


class PolicyRefusedError(DataError):
    """Nobody knows what a policy would give up here: it was made for other costs, books or risk aversions."""


class VenuesSilentError(DataError):
    """No venue answers the vault: there is none to trade on, and no cost to reckon with."""


class FitRefusedError(DataError):
    """Good data from which a model cannot be told: fall back to a plainer one, and say so."""


class PreflightError(DataError):
    """Input that contradicts itself or what it is for, found before anything started; one line a finding."""

    def __init__(self, findings: Sequence[str]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(findings))


class RejectedError(AgentError):
    """The bounds said no: record it and go on.

    ``name`` is the Solidity error's name and ``arguments`` its decoded arguments, by parameter name.
    """

    def __init__(self, name: str, arguments: dict[str, object] | None = None) -> None:
        self.name = name
        self.arguments = arguments or {}
        shown = ", ".join(f"{key}={value}" for key, value in self.arguments.items())
        super().__init__(f"{name}({shown})")


class TransientError(AgentError):
    """A fault of the moment, such as an RPC that does not answer: try again with backoff."""


class FatalError(AgentError):
    """Nothing may be sent until a person has looked: halt and alert."""

"""Views of contracts that are not ours: tokens and price feeds."""

from __future__ import annotations

from agent.chain.abi import Function


def view(name: str, inputs: str, outputs: tuple[str, ...]) -> Function:
    """Return a view of a contract that is not ours."""
    entry = {
        "name": name,
        "inputs": [{"type": kind, "name": ""} for kind in inputs.split(",") if kind],
        "outputs": [{"type": kind, "name": ""} for kind in outputs],
    }
    return Function.from_abi(entry)


DECIMALS = view("decimals", "", ("uint8",))
SYMBOL = view("symbol", "", ("string",))
DESCRIPTION = view("description", "", ("string",))
LATEST_ROUND = view("latestRoundData", "", ("uint80", "int256", "uint256", "uint256", "uint80"))
BALANCE_OF = view("balanceOf", "address", ("uint256",))

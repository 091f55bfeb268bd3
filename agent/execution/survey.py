"""What nonce, gas and fees of a transaction depend on, asked all at once before any of it is needed."""

from __future__ import annotations

from functools import partial

from agent.chain.ahead import Ahead
from agent.chain.client import ChainClient
from agent.chain.rollup import Rollup
from agent.domain import BlockRef, Intent
from agent.errors import RejectedError
from agent.execution.config import ExecutionSettings
from agent.execution.errand import Errand
from agent.execution.fees import gas_limit_of
from agent.execution.intents import call_on, rebalance_call
from agent.units import Address, Wei


class Survey:
    """One intent's questions on top of ``head``. A failure shows where its answer is asked for; see `ChainClient`.

    ``errand``: what is called instead of the vault, where it is no rebalance.
    """

    def __init__(
        self,
        client: ChainClient,
        rollup: Rollup,
        settings: ExecutionSettings,
        sender: Address,
        intent: Intent,
        head: BlockRef,
        *,
        is_urgent: bool,
        errand: Errand | None = None,
    ) -> None:
        self._errand = errand
        self._client = client
        self._rollup = rollup
        self._settings = settings
        self._sender = sender
        self._intent = intent
        self._head = head
        self.is_urgent = is_urgent
        self._account = Ahead(partial(client.account, sender, head))
        self._gas_needed = Ahead(self._read_gas_needed)
        has_no_tip = settings.percentile(is_urgent=is_urgent) is None
        self._tip = Ahead.unless(has_no_tip, None, partial(market_tip, client, settings, is_urgent=is_urgent))
        self._usual_limit = gas_limit_of(settings.usual_gas_units, settings)
        ask_data_fee = partial(self._read_data_fee, self._usual_limit)
        self._usual_data_fee = Ahead.unless(rollup.is_silent, Wei(0), ask_data_fee)

    def account(self) -> tuple[int, int, Wei]:
        """Return the sender's mined nonce, the one after its waiting transactions, and its balance."""
        return self._account.result()

    def gas_needed(self) -> int:
        """Return gas that carries the intent: the usual amount if it suffices, else an estimate.

        A simulation does not burn what some rollups charge in gas for data; an estimate holds it already. Raises the
        decoded rejection where the intent would revert.
        """
        return self._gas_needed.result()

    def is_carried(self) -> bool:
        """Return whether the chain would carry the intent out, with the gas that it needs."""
        try:
            self.gas_needed()
        except RejectedError:
            return False
        return True

    def tip(self) -> Wei | None:
        """Return what others have paid lately, None where it is not asked for or nobody says."""
        return self._tip.result()

    def data_fee(self, gas_limit: int) -> Wei:
        """Return what a rollup charges beside gas; asked anew where the gas is not the usual."""
        return self._usual_data_fee.result() if gas_limit == self._usual_limit else self._read_data_fee(gas_limit)

    def _read_gas_needed(self) -> int:
        if self._errand is not None:
            return self._client.estimate_gas(self._sender, self._errand.probe or self._errand.call)
        call, usual = call_on(self._intent, self._head), self._settings.usual_gas_units
        ask_data_gas = partial(self._rollup.data_gas, call, self._head)
        with Ahead.unless(self._rollup.is_silent, 0, ask_data_gas) as data_gas:
            rejection = self._client.simulate(self._sender, call, usual, self._head)
        return usual + data_gas.result() if rejection is None else self._client.estimate_gas(self._sender, call)

    def _read_data_fee(self, gas_limit: int) -> Wei:
        call = rebalance_call(self._intent) if self._errand is None else self._errand.call
        return self._rollup.data_fee(call, gas_limit, self._head)


def market_tip(client: ChainClient, settings: ExecutionSettings, *, is_urgent: bool) -> Wei | None:
    """Return what others have paid lately at the settings' percentile, None where there is none or nobody says."""
    percentile = settings.percentile(is_urgent=is_urgent)
    return None if percentile is None else client.market_tip(percentile)

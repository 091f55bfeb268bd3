"""Whether the vault of the manifest stands, is wired as the manifest says, and can be traded by this keeper."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from eth_utils.address import to_checksum_address

from agent.chain import shapes
from agent.chain.abi import load_abi
from agent.chain.client import ChainClient
from agent.chain.deployment import Deployment, venue_names
from agent.doctor.check import Check, Verdict, attempted, good, judged, mend_of, patiently
from agent.domain import BlockRef
from agent.errors import AgentError, RejectedError, TransientError
from agent.execution.signer import has_key, load_signer
from agent.files.book_file import load_kept_book
from agent.guard import UINT256_MAX, effective_band, venue_leverage
from agent.keeper.planner import Planner
from agent.keeper.preflight import gas_token_faults
from agent.report.formatting import duration, price, signed
from agent.settings import Settings
from agent.status.reading import StatusReader
from agent.status.records import KeeperStatus, VaultStatus
from agent.status.risk import worst_net_delta_of
from agent.units import WAD, Address, from_wad, wei_to_eth
from agent.venues.execution_ether import ether_accounts, held_ether
from agent.venues.protocol import ExecutionEther, OpeningMargin
from agent.venues.registry import venue_protocol
from agent.venues.views import follow_views

MIN_REBALANCES_LEFT = 20
"""Gas money below it is a warning: at two rebalances a day, ten days."""
_WIRES = (
    ("HedgeVault", "oracle", "PriceOracle"),
    ("HedgeVault", "deltaBook", "DeltaBook"),
    ("HedgeVault", "guard", "RebalanceGuard"),
    ("HedgeVault", "registry", "VenueRegistry"),
    ("RebalanceGuard", "vault", "HedgeVault"),
    ("VenueRegistry", "vault", "HedgeVault"),
)
"""Contract, its getter, and the contract of the manifest that it must name."""
_ANOTHER_VAULT = "the manifest names contracts of another vault: name the right manifest_path, or deploy anew"


class VaultDoctor:
    """One vault, read at one block."""

    def __init__(self, settings: Settings, client: ChainClient, deployment: Deployment, block: BlockRef) -> None:
        self._settings = settings
        self._client = client
        self._deployment = deployment
        self._block = block
        self._own_key: Address | None = None

    def examine(self, environment: Mapping[str, str], config: Path, book: Path | None) -> Iterator[Check]:
        """Yield the checks; those of the keeper's key and of the book where there is one."""
        code = attempted("contracts", _ANOTHER_VAULT, self._code)
        yield code
        if code.verdict is not Verdict.GOOD:
            return
        yield attempted("wiring", _ANOTHER_VAULT, self._wiring)
        yield attempted("manifest's entries", _ANOTHER_VAULT, self._entries)
        key = attempted("key", "see docs/runbook.md, Keys", lambda: self._key(environment))
        try:
            reader = StatusReader(self._settings, self._client, self._deployment_with_own_key())
            status = patiently(lambda: reader.read(self._block))
        except AgentError as failure:
            mend = mend_of(failure, "'evenkeel deploy verify' compares all with the plan")
            yield Check("vault", Verdict.FAILED, str(failure), mend)
            return
        yield _modes(status)
        yield _oracle(status)
        yield from _venues(status)
        yield from self._ether()
        yield from self._opening_margins()
        yield _delta(status)
        yield key
        yield from (_gas(keeper) for keeper in status.keepers)
        if book is not None:
            mend = "mend the book file, or have its legs registered on the chain"
            yield attempted("book", mend, lambda: self._book(config, book))

    def _code(self) -> Check:
        contracts = self._deployment.contracts
        bare = [name for name, address in contracts.items() if not self._has_code(address)]
        found = f"{len(contracts)} of the manifest have code" if not bare else f"no code at {', '.join(sorted(bare))}"
        return judged("contracts", not bare, found, _ANOTHER_VAULT)

    def _has_code(self, address: str) -> bool:
        return self._client.told(shapes.code, "eth_getCode", address, "latest") != b""

    def _read(self, contract: str, getter: str, *arguments: object) -> Any:
        call = load_abi(contract).function(getter).at(self._deployment.contract(contract), *arguments)
        return self._client.read([call], self._block)[0][0]

    def _wiring(self) -> Check:
        wrong = []
        for contract, getter, expected in _WIRES:
            named = Address(to_checksum_address(self._read(contract, getter)))
            if named != self._deployment.contract(expected):
                wrong.append(f"{contract}.{getter} is {named}, not the manifest's {expected}")
        asset = str(to_checksum_address(self._read("HedgeVault", "asset")))
        if asset != self._deployment.asset.address:
            wrong.append(f"HedgeVault.asset is {asset}, not the manifest's asset")
        found = "; ".join(wrong) or f"vault, guard, oracle, book, registry and asset name one another ({asset})"
        return judged("wiring", not wrong, found, _ANOTHER_VAULT)

    def _entries(self) -> Check:
        """Compare what the keeper takes from the manifest without asking the chain again."""
        entry, wrong = self._deployment.asset, []
        [(decimals,)] = self._client.read(
            [load_abi("HedgeVault").function("decimals").at(Address(entry.address))], self._block
        )
        if decimals != entry.decimals:
            wrong.append(f"asset.decimals is {entry.decimals}, and the vault's asset has {decimals}")
        listed = {Address(to_checksum_address(one)) for one in self._read("VenueRegistry", "venues")}
        named = {Address(one.address) for one in self._deployment.all_venues}
        wrong += [f"venue {one} of the vault is not in it" for one in sorted(listed - named)]
        if self._deployment.block > self._block.number:
            wrong.append(f"block is {self._deployment.block:,}, and the newest is {self._block.number:,}")
        found = "; ".join(wrong) or f"decimals of the asset, and {len(listed)} venues, are the vault's"
        return judged("manifest's entries", not wrong, found, "write what the vault has into the manifest")

    def _ether(self) -> Iterator[Check]:
        """Yield whether accounts hold the ether that their orders are executed with."""
        names = venue_names(self._deployment)
        for venue, ether in ether_accounts(self._deployment).items():
            subject, mend = f"ether of {names[venue]}", f"send ether to {venue}, the venue's account"
            yield attempted(subject, mend, partial(self._orders_left, subject, venue, ether, mend))

    def _orders_left(self, subject: str, venue: Address, ether: ExecutionEther, mend: str) -> Check:
        held = held_ether(self._client, venue, ether, self._block)
        terms = load_abi("IOrderTerms").function("orderTerms").at(venue)
        [(_, fixed_fee, *_)] = self._client.read([terms], self._block)
        left = held.worth // fixed_fee
        found = f"{signed(wei_to_eth(held.held), 4)} ETH of {venue} pay for {left:,} trades at the most each may cost"
        verdict = Verdict.WARNING if left else Verdict.FAILED
        return judged(subject, left >= MIN_REBALANCES_LEFT, found, mend, verdict)

    def _opening_margins(self) -> Iterator[Check]:
        """Yield whether the keeper brings the margin that venues ask for, where they refuse a trade without it."""
        for entry in self._deployment.venues:
            margin = venue_protocol(entry.kind, f"venue {entry.name}").opening_margin
            if margin is not None:
                subject, mend = f"margin of {entry.name}", "see 'Margin' in the page of the venue"
                venue = Address(entry.address)
                yield attempted(subject, mend, partial(self._opening_margin, subject, venue, margin))

    def _opening_margin(self, subject: str, venue: Address, margin: OpeningMargin) -> Check:
        [holder] = follow_views(self._client, self._block, [(venue, margin.holder)])
        [limits] = self._client.read([margin.limits.at(holder)], self._block)
        factor, high = from_wad(limits[margin.at]), float(self._settings.margin.high_leverage_ratio)
        found = f"a trade that opens needs {factor:g} of notional, the keeper keeps at least {1 / high:g}"
        mend = (
            f"lower [margin] high_leverage_ratio to {1 / factor:.4g}, or have the governor lower the margin factor: "
            "between the two every such trade is refused"
        )
        return judged(subject, factor * high <= 1, found, mend)

    def _key(self, environment: Mapping[str, str]) -> Check:
        chain_id = self._settings.chain.chain_id
        if not has_key(environment, chain_id):
            mend = "set one of the key's variables (docs/runbook.md, Keys); 'run --shadow' needs none"
            return Check("key", Verdict.WARNING, "no key is named: nothing could be sent", mend)
        try:
            signer = load_signer(environment, chain_id)
        except TransientError as failure:
            return Check("key", Verdict.FAILED, str(failure), "bring back who holds the key (docs/runbook.md, Keys)")
        self._own_key = signer.address
        return self._role(signer.address, signer.kind)

    def _deployment_with_own_key(self) -> Deployment:
        """Return the deployment with the key at hand among its keepers, which the manifest may not name."""
        roles = self._deployment.roles
        if self._own_key is None or self._own_key in roles.values():
            return self._deployment
        return self._deployment.model_copy(update={"roles": roles | {"keeper at hand": self._own_key}})

    def _role(self, address: Address, kind: str) -> Check:
        access = self._deployment.contract("VaultAccess")
        try:
            self._client.read([load_abi("VaultAccess").function("requireKeeper").at(access, address)], self._block)
        except RejectedError:
            mend = f"use the keeper's key, or have the governor grant the role: evenkeel key grant {address}"
            return Check("key", Verdict.FAILED, f"{kind} of {address}, which is no keeper of the vault", mend)
        return good("key", f"{kind} of {address}, a keeper of the vault")

    def _book(self, config: Path, path: Path) -> Check:
        book = load_kept_book(path)
        if faults := [*gas_token_faults(self._settings, config, book.underlying)]:
            return Check("book", Verdict.FAILED, "; ".join(faults), f"correct {config}")
        planner = Planner(self._settings, book, self._client, self._deployment)
        view = planner.look(self._block)
        net = view.decision.exposure.net_delta
        return good("book", f"agrees with the chain, net delta {signed(net, 3)}; {view.decision.reason}")


def _modes(status: VaultStatus) -> Check:
    modes = status.modes
    stopped = [
        words
        for is_so, words in (
            (modes.paused_until is not None, "paused"),
            (modes.is_winding_down, "winding down"),
            (modes.is_reduce_only, "reduce-only"),
            (bool(status.is_breaker_tripped), "its breaker is tripped"),
        )
        if is_so
    ]
    found = ", ".join(stopped) or "it trades"
    mend = "ask guardian or governor why ('evenkeel gov list'); 'evenkeel gov resume' ends it"
    return judged("vault", not stopped, found, mend, Verdict.WARNING)


def _oracle(status: VaultStatus) -> Check:
    oracle = status.oracle
    age = status.block.timestamp - oracle.updated_at
    if oracle.faults:
        mend = "nothing is traded meanwhile: see the feeds in docs/runbook.md, Oracle"
        return Check("oracle", Verdict.FAILED, "; ".join(oracle.faults), mend)
    limit = duration(oracle.max_age_seconds)
    return good("oracle", f"{price(from_wad(oracle.price))}, {duration(age)} old of at most {limit}")


def _venues(status: VaultStatus) -> Iterator[Check]:
    most = status.bounds.max_venue_leverage
    for name, venue in zip(status.venue_names, status.measurement.venues, strict=True):
        subject = f"venue {name}"
        if venue.is_silent:
            mend = "wait for the venue, or have the guardian close it (VenueRegistry.closeVenue)"
            yield Check(subject, Verdict.FAILED, "does not answer", mend)
            continue
        leverage = venue_leverage(venue)
        is_bounded = leverage <= most
        shown = "infinite" if leverage == UINT256_MAX else signed(from_wad(leverage), 2)
        closing = ", closing" if venue.is_closing else ""
        mend = "add margin: 'evenkeel run' does so by itself when it has the collateral"
        yield judged(subject, is_bounded, f"leverage {shown} of {signed(from_wad(most), 2)}{closing}", mend)
    if not status.venue_names:
        yield Check("venues", Verdict.FAILED, "the vault has none", "have the governor add one")


def _delta(status: VaultStatus) -> Check:
    worst = worst_net_delta_of(status)
    if worst is None:
        mend = "see 'oracle' above, or the book's sources ('evenkeel status')"
        return Check("delta", Verdict.FAILED, "the chain cannot tell the book's delta", mend)
    band = effective_band(status.bounds, status.measurement.firm_nav, status.measurement.price)
    found = f"worst case {signed(worst / WAD, 2)}, band {signed(band / WAD, 2)}"
    return judged("delta", worst <= band, found, "start the keeper: 'evenkeel run'", Verdict.WARNING)


def _gas(keeper: KeeperStatus) -> Check:
    if not keeper.has_role:
        mend = "give it no ether; name the keeper's own address in the manifest's roles"
        return Check("gas money", Verdict.WARNING, f"{keeper.address} is no keeper of the vault", mend)
    left = keeper.rebalances_left
    found = f"{signed(wei_to_eth(keeper.gas_money), 4)} ETH of {keeper.address} pay for {left:,} rebalances"
    verdict = Verdict.WARNING if left else Verdict.FAILED
    mend = f"send it gas money, for {MIN_REBALANCES_LEFT} rebalances at least"
    return judged("gas money", left >= MIN_REBALANCES_LEFT, found, mend, verdict)

"""Steps of a deployment. Each looks at the chain alone to say whether it is done: no record of progress is needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from agent.chain.abi import load_abi
from agent.deploy.state import ChainState
from agent.errors import DataError
from agent.localnet.deployer import CREATE2_FACTORY
from agent.units import Address, Wei

ZERO_ADDRESS = Address("0x" + "00" * 20)
NO_VALUE = Wei(0)


@dataclass(frozen=True, slots=True)
class Creation:
    """One contract: where CREATE2 puts it, and what it is created with."""

    key: str
    """Name of the contract, and of its venue where it is an adapter."""
    contract: str
    arguments: tuple[Any, ...]
    address: Address
    salt: bytes
    init_code: bytes


@dataclass(frozen=True, slots=True)
class Transaction:
    """What a step sends from the deployer."""

    to: Address
    data: str
    value: Wei = NO_VALUE


class Step(Protocol):
    """One transaction, or none where the chain shows that it has been sent."""

    @property
    def title(self) -> str:
        """What it does, for people; unique within a deployment."""

    @property
    def is_addition(self) -> bool:
        """Whether it may still be sent when the vault is handed over."""

    def planned(self) -> Transaction:
        """Return what is sent on a chain where nothing has been done yet."""

    def pending(self, state: ChainState) -> Transaction | None:
        """Return what is still to be sent; raises `DataError` where the chain holds something else for good."""


@dataclass(frozen=True, slots=True)
class Create:
    """Create a contract at the address that its code, its arguments and the salt give."""

    creation: Creation
    is_addition: bool = False

    @property
    def title(self) -> str:
        """What it does."""
        return f"create {self.creation.key}"

    def planned(self) -> Transaction:
        """Return the call of the deterministic-deployment proxy: salt, then creation code."""
        return Transaction(CREATE2_FACTORY, "0x" + (self.creation.salt + self.creation.init_code).hex())

    def pending(self, state: ChainState) -> Transaction | None:
        """Code at the address can only be this code: the address is its hash."""
        return None if state.code(self.creation.address) else self.planned()


@dataclass(frozen=True, slots=True)
class NameOnce:
    """Name a contract to another, which keeps it for good."""

    holder: Creation
    getter: str
    setter: str
    named: Creation
    is_addition: bool = False

    @property
    def title(self) -> str:
        """What it does."""
        return f"{self.holder.key}.{self.setter}({self.named.key})"

    def planned(self) -> Transaction:
        """Return the setter's call."""
        return _call(self.holder, self.setter, self.named.address)

    def pending(self, state: ChainState) -> Transaction | None:
        """Done when the getter names it; refused when it names another."""
        found = state.read(self.holder.contract, self.holder.address, self.getter)
        if found == self.named.address:
            return None
        if found == ZERO_ADDRESS:
            return self.planned()
        raise DataError(
            f"{self.holder.key} {self.holder.address} was given {self.named.key} {found} for good, by a run with "
            "another configuration; put that back, or change [deploy] salt to begin anew"
        )


@dataclass(frozen=True, slots=True)
class AddToList:
    """Add a contract to a list of another."""

    holder: Creation
    getter: str
    adder: str
    added: Creation
    is_addition: bool = False

    @property
    def title(self) -> str:
        """What it does."""
        return f"{self.holder.key}.{self.adder}({self.added.key})"

    def planned(self) -> Transaction:
        """Return the adder's call."""
        return _call(self.holder, self.adder, self.added.address)

    def pending(self, state: ChainState) -> Transaction | None:
        """Done when the list holds it."""
        listed = state.read(self.holder.contract, self.holder.address, self.getter)
        return None if self.added.address in listed else self.planned()


@dataclass(frozen=True, slots=True)
class SetFees:
    """Set the terms of the fees."""

    share_fees: Creation
    management_bps: int
    performance_bps: int
    recipient: Address
    is_addition: bool = False

    @property
    def title(self) -> str:
        """What it does."""
        return "ShareFees.setFees"

    def planned(self) -> Transaction:
        """Return the call."""
        return _call(self.share_fees, "setFees", self.management_bps, self.performance_bps, self.recipient)

    def pending(self, state: ChainState) -> Transaction | None:
        """Done when the terms are those."""
        management, performance, _, recipient = state.read("ShareFees", self.share_fees.address, "terms")
        wanted = (self.management_bps, self.performance_bps, self.recipient.lower())
        return None if (management, performance, recipient.lower()) == wanted else self.planned()


@dataclass(frozen=True, slots=True)
class SetSettlementWindow:
    """Say over how long before expiry the book's options settle on an average."""

    option_book: Creation
    seconds: int
    is_addition: bool = False

    @property
    def title(self) -> str:
        """What it does."""
        return f"OptionBook.setSettlementWindow({self.seconds:,} s)"

    def planned(self) -> Transaction:
        """Return the call."""
        return _call(self.option_book, "setSettlementWindow", self.seconds)

    def pending(self, state: ChainState) -> Transaction | None:
        """Done when the book says so."""
        found = state.read("OptionBook", self.option_book.address, "settlementWindow")
        return None if found == self.seconds else self.planned()


@dataclass(frozen=True, slots=True)
class FillTank:
    """Fill the tank that rescues are paid from."""

    desk: Creation
    tank: Wei
    is_addition: bool = False

    @property
    def title(self) -> str:
        """What it does."""
        return "fill RescueDesk's tank"

    def planned(self) -> Transaction:
        """Return the transfer."""
        return Transaction(self.desk.address, "0x", self.tank)

    def pending(self, state: ChainState) -> Transaction | None:
        """Done when the desk holds as much; what somebody else put in counts."""
        missing = self.tank - state.balance(self.desk.address)
        return Transaction(self.desk.address, "0x", Wei(missing)) if missing > 0 else None


@dataclass(frozen=True, slots=True)
class AddLegs:
    """Register options of the book: legs ``first`` to ``first + count`` of all of them, in order."""

    option_book: Creation
    legs: tuple[tuple[Any, ...], ...]
    first: int
    count: int
    is_addition: bool = False

    @property
    def title(self) -> str:
        """What it does."""
        return f"OptionBook.addLegs({self.first + 1} to {self.first + self._batch_size()})"

    def planned(self) -> Transaction:
        """Return the call."""
        return _call(self.option_book, "addLegs", self.legs[self.first : self.first + self.count])

    def pending(self, state: ChainState) -> Transaction | None:
        """Done when the book holds all legs, or at least those up to the last of this batch."""
        address = self.option_book.address
        ids = state.read("OptionBook", address, "legIds")
        held = [tuple(state.read("OptionBook", address, "leg", leg_id)) for leg_id in ids]
        if sorted(held) == sorted(self.legs):
            return None
        if held != list(self.legs[: len(held)]):
            raise DataError(
                f"OptionBook {address} already holds {len(held)} other legs; remove them by governance first"
            )
        return None if len(held) >= self.first + self._batch_size() else self.planned()

    def _batch_size(self) -> int:
        return min(self.count, len(self.legs) - self.first)


@dataclass(frozen=True, slots=True)
class HandOver:
    """Name the holders of the roles and end the deployer's power."""

    access: Creation
    governor: Address
    delay_seconds: int
    guardian: Address
    keepers: tuple[Address, ...]
    relays: tuple[Address, ...]
    is_addition: bool = False

    @property
    def title(self) -> str:
        """What it does."""
        return "VaultAccess.handOver"

    def planned(self) -> Transaction:
        """Return the call."""
        holders = (self.governor, self.delay_seconds, self.guardian, self.keepers, self.relays)
        return _call(self.access, "handOver", *holders)

    def pending(self, state: ChainState) -> Transaction | None:
        """Done once and for all; refused where other holders than these have the roles."""
        if not state.read("VaultAccess", self.access.address, "handedOver"):
            return self.planned()
        holders = [("governor", "ADMIN_ROLE", self.governor), ("guardian", "GUARDIAN_ROLE", self.guardian)]
        holders += [("keeper", "KEEPER_ROLE", keeper) for keeper in self.keepers]
        for name, role_name, account in holders:
            role = state.read("VaultAccess", self.access.address, role_name)
            is_member, _ = state.read("VaultAccess", self.access.address, "hasRole", role, account)
            if not is_member:
                raise DataError(
                    f"the vault is handed over, and {account} is no {name} of it; name the holder that VaultAccess "
                    f"{self.access.address} has, or let the governor appoint this one first"
                )
        return None


def split_legs(option_book: Creation, legs: Sequence[tuple[Any, ...]], batch: int) -> tuple[AddLegs, ...]:
    """Return the steps that register all legs, ``batch`` at a time."""
    return tuple(AddLegs(option_book, tuple(legs), first, batch) for first in range(0, len(legs), batch))


def _call(contract: Creation, name: str, *arguments: object) -> Transaction:
    return Transaction(contract.address, load_abi(contract.contract).function(name).encode(*arguments))

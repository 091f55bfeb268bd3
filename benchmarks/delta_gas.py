"""Gas of one on-chain delta and of one option leg with its storage cold, beside the usual implementations'."""

from __future__ import annotations

from agent.localnet.codec import encode_call
from agent.units import WAD, Address
from benchmarks.delta_measure import METERS, OURS, measure_all
from benchmarks.delta_reference import SECONDS_PER_DAY, STRIKE, grid
from benchmarks.evm import GENESIS_UNIX, BenchmarkChain, compile_sources, local_chain
from benchmarks.figure import Figure

PORT = 18_611
LEGS = 128
"""A full book."""
PEER_BOOK = "array of structs, Solady + Abramowitz-Stegun"

_CONTRACTS = "benchmarks/contracts"
_ADMIN = "contracts/governance/VaultAdmin.sol"
_BOOK = "contracts/sources/OptionBook.sol"
_LEGS_TYPE = "(uint256,uint256,bool,int256,uint256,uint256)[]"
_ADD_LEGS = f"addLegs({_LEGS_TYPE})"

Leg = tuple[int, int, bool, int, int, int]


def run() -> list[Figure]:
    """Measure a delta, a leg and a full book."""
    names = ("BookMeter", "SoladyOptionBook")
    sources = {source for source, _ in METERS.values()} | {f"{_CONTRACTS}/{name}.sol" for name in names}
    compile_sources(*sources, _ADMIN, _BOOK)
    with local_chain(PORT) as chain:
        return [*_delta_figures(chain), *_leg_figures(chain)]


def _delta_figures(chain: BenchmarkChain) -> list[Figure]:
    measured = measure_all(chain, grid())
    mean = {name: float(one.gas.mean()) for name, one in measured.items()}
    largest = {name: float(one.gas.max()) for name, one in measured.items()}
    peers = [name for name in METERS if name != OURS]
    return [
        *(Figure.against("gas of a delta, mean", mean[OURS], "gas", peer, mean[peer]) for peer in peers),
        *(Figure.against("gas of a delta, largest", largest[OURS], "gas", peer, largest[peer]) for peer in peers),
    ]


def _leg_figures(chain: BenchmarkChain) -> list[Figure]:
    meter = chain.deploy(f"{_CONTRACTS}/BookMeter.sol", "BookMeter")
    figures = []
    for title, days_apart in (("legs of one expiry", 0), ("every leg its own expiry", 1)):
        ours, peers = _books(chain, days_apart)
        empty, full = (_gas(chain, meter, book) for book in ours)
        peer_empty, peer_full = (_gas(chain, meter, book) for book in peers)
        name, peer_leg = f"gas of a cold leg, {title}", (peer_full - peer_empty) / LEGS
        figures.append(Figure.against(name, (full - empty) / LEGS, "gas", PEER_BOOK, peer_leg))
        figures.append(Figure.against(f"gas of {LEGS} cold {title}", full, "gas", PEER_BOOK, peer_full))
    return figures


def _books(chain: BenchmarkChain, days_apart: int) -> tuple[list[Address], list[Address]]:
    """Deploy an empty and a full book, ours and the peer's."""
    legs = _legs(days_apart)
    account = chain.account
    admin = chain.deploy(_ADMIN, "VaultAdmin", "(address,address,address)", account, account, account)
    ours = [chain.deploy(_BOOK, "OptionBook", "(address)", admin) for _ in range(2)]
    peers = [chain.deploy(f"{_CONTRACTS}/SoladyOptionBook.sol", "SoladyOptionBook") for _ in range(2)]
    for book in (ours[1], peers[1]):
        chain.send(book, encode_call(_ADD_LEGS, legs))
    return ours, peers


def _legs(days_apart: int) -> list[Leg]:
    """Return calls and puts, long and short, of strikes from half to three halves of the price."""
    return [
        (
            STRIKE // 2 + i * STRIKE // LEGS,
            GENESIS_UNIX + (30 + i * days_apart) * SECONDS_PER_DAY,
            i % 2 == 0,
            (-1) ** (i // 2) * WAD,
            WAD // 2,
            WAD * 3 // 5,
        )
        for i in range(LEGS)
    ]


def _gas(chain: BenchmarkChain, meter: Address, book: Address) -> int:
    _, _, gas = chain.call(meter, "measure(address,uint256)", book, STRIKE, returns="(int256,int256,uint256)")
    return int(gas)

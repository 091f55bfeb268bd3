"""Gas of one on-chain delta and of one leg of a book, storage cold and warm, beside the usual implementations'."""

from __future__ import annotations

from agent.localnet.codec import encode_call
from agent.units import WAD, Address
from benchmarks.delta_measure import METERS, OURS, measure_all
from benchmarks.delta_reference import SECONDS_PER_DAY, STRIKE, grid
from benchmarks.evm import GENESIS_UNIX, BenchmarkChain, compile_sources, local_chain
from benchmarks.figure import Figure

LEGS = 128
"""A full book."""
DESK_LEGS = 20
"""A desk's usual book; HEDGE-418 limits what it takes."""
PEER_BOOK = "array of structs, Solady + Abramowitz-Stegun"

_CONTRACTS = "benchmarks/contracts"
_ACCESS = "contracts/governance/VaultAccess.sol"
_BOOK = "contracts/book/OptionBook.sol"
_LEGS_TYPE = "(uint256,uint256,bool,int256,uint256,uint256)[]"
_ADD_LEGS = f"addLegs({_LEGS_TYPE})"

Leg = tuple[int, int, bool, int, int, int]


def run() -> list[Figure]:
    """Measure a delta, a leg and a full book."""
    names = ("BookMeter", "SoladyOptionBook")
    sources = {source for source, _ in METERS.values()} | {f"{_CONTRACTS}/{name}.sol" for name in names}
    compile_sources(*sources, _ACCESS, _BOOK)
    with local_chain() as chain:
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
    for expiries, days_apart in (("one expiry", 0), ("each its own expiry", 1)):
        (empty, full), (peer_empty, peer_full) = (
            [_gas(chain, meter, book) for book in books] for books in _books(chain, days_apart, LEGS)
        )
        for state in full:
            ours, peers = (full[state] - empty[state]) / LEGS, (peer_full[state] - peer_empty[state]) / LEGS
            figures.append(Figure.against(f"gas of a leg, {state}, {expiries}", ours, "gas", PEER_BOOK, peers))
        name = f"gas of a book of {LEGS} legs, cold, {expiries}"
        figures.append(Figure.against(name, full["cold"], "gas", PEER_BOOK, peer_full["cold"]))
        desk, peers_desk = (_gas(chain, meter, books[1])["cold"] for books in _books(chain, days_apart, DESK_LEGS))
        name = f"gas of a book of {DESK_LEGS} legs, cold, {expiries}"
        figures.append(Figure.against(name, desk, "gas", PEER_BOOK, peers_desk))
    return figures


def _books(chain: BenchmarkChain, days_apart: int, count: int) -> tuple[list[Address], list[Address]]:
    """Deploy an empty book and one of ``count`` legs, ours and the peer's."""
    legs = _legs(days_apart, count)
    access = chain.deploy(_ACCESS, "VaultAccess", "(address)", chain.account)
    ours = [chain.deploy(_BOOK, "OptionBook", "(address)", access) for _ in range(2)]
    peers = [chain.deploy(f"{_CONTRACTS}/SoladyOptionBook.sol", "SoladyOptionBook") for _ in range(2)]
    for book in (ours[1], peers[1]):
        chain.send(book, encode_call(_ADD_LEGS, legs))
    return ours, peers


def _legs(days_apart: int, count: int) -> list[Leg]:
    """Return calls and puts, long and short, of strikes from half to three halves of the price."""
    return [
        (
            STRIKE // 2 + i * STRIKE // count,
            GENESIS_UNIX + (30 + i * days_apart) * SECONDS_PER_DAY,
            i % 2 == 0,
            (-1) ** (i // 2) * WAD,
            WAD // 2,
            WAD * 3 // 5,
        )
        for i in range(count)
    ]


def _gas(chain: BenchmarkChain, meter: Address, book: Address) -> dict[str, int]:
    cold, warm = chain.call(meter, "measure(address,uint256)", book, STRIKE, returns="(uint256,uint256)")
    return {"cold": int(cold), "warm": int(warm)}

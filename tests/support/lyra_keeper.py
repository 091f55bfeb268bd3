"""What a keeper of a vault with a venue of options starts from: manifest, configuration and book, as files."""

from __future__ import annotations

import json
import tomllib
from datetime import UTC, datetime
from pathlib import Path

from tests.support.lyra_vault import SHORT_STRADDLES, LyraVault

CHAIN_ID = 31_337
LOCALNET = Path("config/localnet.toml")
POLICY = {
    "name": "multi_instrument",
    "risk_aversion_per_usd": 2e-3,
    "horizon_days": 7.0,
    "vol_annual": 1.0,
    "vol_of_vol_annual": 1.5,
    "spot_vol_correlation": -0.3,
}
OPTIONS = {"max_size_underlying": 12}
BOOK = """
[book]
underlying = "ETH"
"""
LEG = """
[[option]]
label = "straddle {kind}"
type = "{kind}"
strike_usd = 1750
expiry = "{expiry}"
quantity = {quantity}
iv_annual = 1.0
iv_low_annual = 0.9
iv_high_annual = 1.1
"""


def write_manifest(vault: LyraVault, path: Path, perp_kind: str = "curie") -> None:
    """Write the manifest, the option venue in it."""
    entry = {"name": "options", "kind": "lyra", "address": vault.venue}
    manifest = {
        "chain_id": CHAIN_ID,
        "network": "local",
        "block": 0,
        "asset": {"address": vault.quote_token, "decimals": 18, "symbol": "sUSD"},
        "contracts": {
            "HedgeVault": vault.vault,
            "VenueRegistry": vault.registry,
            "RebalanceGuard": vault.guard,
            "PriceOracle": vault.oracle,
            "VaultAccess": vault.access,
            "DeltaBook": vault.book,
            "OptionBook": vault.options,
        },
        "venues": [] if vault.perp is None else [{"name": "perp", "kind": perp_kind, "address": vault.perp}],
        "option_venue": entry,
        "roles": {"keeper": vault.keeper},
        "governor_delay_seconds": 172_800,
    }
    path.write_text(json.dumps(manifest))


def write_settings(
    vault: LyraVault, directory: Path, perp_kind: str = "curie", **sections: dict[str, object] | None
) -> Path:
    """Write a local network's configuration for this vault; sections given replace it, None leaves one out."""
    document = tomllib.loads(LOCALNET.read_text(encoding="utf-8"))
    document |= {"policy": POLICY, "options": OPTIONS} | sections
    document = {name: section for name, section in document.items() if isinstance(section, dict)}
    manifest = directory / "deployment.json"
    write_manifest(vault, manifest, perp_kind)
    document["chain"] |= {"rpc_urls": [vault.chain.rpc.url], "manifest_path": str(manifest)}
    document["ledger"]["url"] = f"sqlite:///{directory}/ledger.sqlite"
    path = directory / "lyra.toml"
    path.write_text("".join(_section_text(name, section) for name, section in document.items()))
    return path


def _section_text(name: str, section: dict[str, object]) -> str:
    """A flat section; JSON writes its values as TOML does."""
    flat = {key: value for key, value in section.items() if not isinstance(value, dict)}
    return f"[{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in flat.items())


def write_book(vault: LyraVault, directory: Path, straddles: float = -SHORT_STRADDLES) -> Path:
    """Write the book that the vault's chain has."""
    expiry = datetime.fromtimestamp(vault.expiry(), UTC).isoformat().replace("+00:00", "Z")
    legs = [LEG.format(kind=kind, expiry=expiry, quantity=straddles) for kind in ("call", "put")]
    path = directory / "book.toml"
    path.write_text(BOOK + "".join(legs))
    return path

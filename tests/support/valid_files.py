"""One valid file for every reader, to be read as it is or broken on purpose."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

from agent.localnet.evm import ACCOUNT_ROLES
from agent.localnet.manifest import LocalnetManifest
from agent.localnet.registry import MARKET_PROTOCOLS
from tests.support.governance import deployment
from tests.support.listed_chain import as_columns, summaries

NOW_UNIX = 1_722_470_400


def valid_files(repository: Path, tmp_path: Path) -> dict[str, bytes]:
    examples = repository / "examples"
    files = {name: (examples / name).read_bytes() for name in ("book.toml", "book.csv", "book.json", "desk.toml")}
    files["iv.csv"] = (examples / "iv.csv").read_bytes()
    files["market.toml"] = (examples / "market.toml").read_bytes()
    files["localnet.toml"] = (repository / "config" / "localnet.toml").read_bytes()
    files["chain.json"] = json.dumps(summaries(), indent=1).encode()
    frame = pl.DataFrame(as_columns(summaries()))
    files["chain.csv"] = frame.with_columns(pl.col("snapshot_ts").dt.to_string("iso:strict")).write_csv().encode()
    frame.write_parquet(tmp_path / "valid.parquet")
    files["chain.parquet"] = (tmp_path / "valid.parquet").read_bytes()
    pl.read_csv(examples / "book.csv").write_parquet(tmp_path / "valid.parquet")
    files["book.parquet"] = (tmp_path / "valid.parquet").read_bytes()
    times = pl.datetime_range(pl.datetime(2024, 8, 1), pl.datetime(2024, 8, 2), "1h", time_zone="UTC", eager=True)
    prices = pl.DataFrame({"open_ts": times, "symbol": ["ETHUSDT"] * len(times), "open": [3_200.0] * len(times)})
    prices.write_parquet(tmp_path / "valid.parquet")
    files["prices.parquet"] = (tmp_path / "valid.parquet").read_bytes()
    address = "0x" + "0" * 40
    files["deployment.json"] = deployment().model_dump_json(indent=1).encode()
    files["manifest.json"] = (
        LocalnetManifest(
            rpc_url="http://127.0.0.1:8545",
            chain_id=31_337,
            pid=2**22 + 1,
            process_fingerprint="1",
            seed=7,
            start_unix=NOW_UNIX,
            start_price_usd=3_200.0,
            base_fee_wei=20,
            usdc=address,
            usdc_decimals=6,
            weth=address,
            chainlink_aggregator=address,
            venues={
                kind: dict.fromkeys(protocol.address_names, address) for kind, protocol in MARKET_PROTOCOLS.items()
            },
            accounts=dict.fromkeys(ACCOUNT_ROLES, address),
        )
        .model_dump_json(indent=1)
        .encode()
    )
    return files

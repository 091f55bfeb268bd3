"""What an operator configures: one TOML file a network, secrets and addresses of servers from the environment.

Every key carries its unit, no key is optional unless it says so, none may be unknown. A number is read as written
and becomes a chain integer with a named rounding: what is allowed rounds down, what is demanded rounds up.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Self, get_args
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from agent.domain import Bounds
from agent.errors import DataError
from agent.policy.base import Policy
from agent.policy.registry import POLICIES, build_policy
from agent.units import BPS, Rounding, Seconds, Wad, to_wad

RPC_URLS_VARIABLE = "EVENKEEL_RPC_URLS"
"""Replaces ``[chain] rpc_urls``; comma-separated. The place for URLs that hold an access token."""
LEDGER_URL_VARIABLE = "EVENKEEL_LEDGER_URL"
"""Replaces ``[ledger] url``. The place for a URL that holds a password."""
KEEPER_KEY_VARIABLE = "EVENKEEL_KEEPER_KEY"
"""The keeper's private key, 0x and 64 hexadecimal digits; never in a file."""
CONFIG_DIRECTORY = Path("config")


def _plain_number(written: object) -> object:
    if isinstance(written, bool) or not isinstance(written, int | float | Decimal):
        raise ValueError("write a plain number without quotes")  # noqa: TRY004 - pydantic collects ValueErrors
    return written


def _whole_number(written: object) -> object:
    if isinstance(written, bool) or not isinstance(written, int):
        raise ValueError("write a whole number without quotes")  # noqa: TRY004 - pydantic collects ValueErrors
    return written


def _http_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("write a URL such as http://127.0.0.1:8545")
    return url


def _ledger_url(url: str) -> str:
    if not url.startswith(("sqlite:///", "postgresql")):
        raise ValueError("write sqlite:///path/to/ledger.sqlite or a postgresql:// URL")
    return url


Exact = Annotated[Decimal, BeforeValidator(_plain_number)]
"""A number that goes to the chain: kept decimal until it is rounded on purpose."""
Real = Annotated[float, BeforeValidator(_plain_number)]
"""A number of the agent's own."""
Whole = Annotated[int, BeforeValidator(_whole_number)]
"""A count, seconds, or basis points."""
HttpUrl = Annotated[str, AfterValidator(_http_url)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ChainSettings(_Section):
    """Which chain, and who answers for it."""

    chain_id: Whole = Field(gt=0)
    rpc_urls: tuple[HttpUrl, ...] = Field(min_length=1)
    """Asked in order; the next one answers when the one before does not."""
    rpc_timeout_seconds: Real = Field(gt=0)
    max_head_age_seconds: Whole = Field(gt=0)
    """Heads older than this by the wall clock are not traded on. A local chain that replays history needs a large one."""
    manifest_path: str = ""
    """Where the deployed addresses are; by default ``deployments/<chain_id>.json``."""


class VaultSettings(_Section):
    """Name of the vault's share token."""

    name: str = Field(min_length=1)
    symbol: str = Field(min_length=1)


class OracleSettings(_Section):
    """When the vault believes a price."""

    max_age_seconds: Whole = Field(gt=0)
    min_price_usd: Exact = Field(gt=0)
    max_price_usd: Exact = Field(gt=0)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_price_usd >= self.max_price_usd:
            raise ValueError(f"min_price_usd {self.min_price_usd} must be below max_price_usd {self.max_price_usd}")
        return self

    @property
    def min_price(self) -> Wad:
        """Lowest price believed, WAD, rounded up (toward refusing)."""
        return to_wad(self.min_price_usd, Rounding.UP)

    @property
    def max_price(self) -> Wad:
        """Highest price believed, WAD, rounded down (toward refusing)."""
        return to_wad(self.max_price_usd, Rounding.DOWN)


class BoundsSettings(_Section):
    """The guard's bounds as people write them; see ``contracts/types/Rebalance.sol`` for what each one limits."""

    band_underlying: Exact = Field(gt=0)
    min_improvement_underlying: Exact = Field(gt=0)
    urgent_delta_underlying: Exact = Field(gt=0)
    max_size_delta_underlying: Exact = Field(gt=0)
    max_notional_usd: Exact = Field(gt=0)
    turnover_capacity_usd: Exact = Field(gt=0)
    turnover_refill_usd_per_day: Exact = Field(ge=0)
    max_venue_leverage_ratio: Exact = Field(gt=0)
    max_leverage_ratio: Exact = Field(gt=0)
    max_slippage_bps: Whole = Field(gt=0, lt=BPS)
    max_fee_bps: Whole = Field(ge=0, lt=BPS)
    max_nav_loss_bps: Whole = Field(gt=0, lt=BPS)
    cooldown_seconds: Whole = Field(ge=0)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.urgent_delta_underlying < self.band_underlying:
            raise ValueError(
                f"urgent_delta_underlying {self.urgent_delta_underlying} must not be below band_underlying "
                f"{self.band_underlying}, or the cooldown never holds"
            )
        return self

    @property
    def max_daily_execution_loss_usd(self) -> Decimal:
        """Return what a thief of the keeper's key can cost a day: (capacity + refill) x (slippage + fee)."""
        turnover_usd = self.turnover_capacity_usd + self.turnover_refill_usd_per_day
        return turnover_usd * (self.max_slippage_bps + self.max_fee_bps) / BPS

    def to_bounds(self) -> Bounds:
        """Return the guard's integers: what is allowed rounded down, what is demanded rounded up."""
        return Bounds(
            band=to_wad(self.band_underlying, Rounding.DOWN),
            min_improvement=to_wad(self.min_improvement_underlying, Rounding.UP),
            urgent_delta=to_wad(self.urgent_delta_underlying, Rounding.UP),
            max_size_delta=to_wad(self.max_size_delta_underlying, Rounding.DOWN),
            max_notional=to_wad(self.max_notional_usd, Rounding.DOWN),
            turnover_capacity=to_wad(self.turnover_capacity_usd, Rounding.DOWN),
            turnover_refill_per_day=to_wad(self.turnover_refill_usd_per_day, Rounding.DOWN),
            max_venue_leverage=to_wad(self.max_venue_leverage_ratio, Rounding.DOWN),
            max_leverage=to_wad(self.max_leverage_ratio, Rounding.DOWN),
            max_slippage_bps=self.max_slippage_bps,
            max_fee_bps=self.max_fee_bps,
            max_nav_loss_bps=self.max_nav_loss_bps,
            cooldown_seconds=Seconds(self.cooldown_seconds),
        )


class PolicySettings(_Section):
    """When to hedge: a policy of `agent.policy.registry` by name, and its own numbers."""

    name: str
    parameters: dict[str, Real]

    def build(self) -> Policy:
        """Return the policy."""
        return build_policy(self.name, self.parameters)


class MarginSettings(_Section):
    """How much collateral stands on the venues."""

    target_leverage_ratio: Real = Field(gt=0)
    """Notional over equity that a margin move aims at."""
    min_leverage_ratio: Real = Field(gt=0)
    """Below it collateral goes back to the vault."""
    max_leverage_ratio: Real = Field(gt=0)
    """Above it collateral is added even without a trade."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.min_leverage_ratio < self.target_leverage_ratio < self.max_leverage_ratio:
            raise ValueError(
                f"min_leverage_ratio {self.min_leverage_ratio} < target_leverage_ratio {self.target_leverage_ratio} < "
                f"max_leverage_ratio {self.max_leverage_ratio} must hold"
            )
        return self


class CostSettings(_Section):
    """What hedging costs beyond the venues' own quotes."""

    eth_price_usd: Real = Field(ge=0)
    """Prices gas; 0 where the chain's gas token is worthless."""
    rebalance_gas_units: Whole = Field(gt=0)
    data_fee_gwei: Real = Field(ge=0)
    funding_horizon_days: Real = Field(ge=0)


class ExecutionSettings(_Section):
    """How a transaction is priced, waited for and replaced."""

    deadline_seconds: Whole = Field(gt=0)
    """After it the chain refuses the intent, by chain time."""
    receipt_timeout_seconds: Real = Field(gt=0)
    """Wall-clock time a cycle waits for a receipt before it leaves the intent to the next cycle."""
    receipt_poll_seconds: Real = Field(gt=0)
    replace_after_seconds: Real = Field(gt=0)
    """Wall-clock time without a receipt after which the fee is bumped."""
    max_replacements: Whole = Field(ge=0)
    fee_bump_ratio: Real = Field(ge=1.1, le=3.0)
    """Nodes refuse a replacement that pays less than 1.1 times as much."""
    priority_fee_gwei: Exact = Field(ge=0)
    urgent_priority_fee_gwei: Exact = Field(ge=0)
    max_fee_gwei: Exact = Field(gt=0)
    urgent_max_fee_gwei: Exact = Field(gt=0)
    """A risk exit still goes out when gas is dear."""
    gas_limit_ratio: Real = Field(ge=1.0, le=3.0)
    """Head-room over the estimate."""
    max_gas_units: Whole = Field(ge=21_000)
    """No transaction is sent with a higher gas limit."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.urgent_max_fee_gwei < self.max_fee_gwei:
            raise ValueError(
                f"urgent_max_fee_gwei {self.urgent_max_fee_gwei} must not be below max_fee_gwei {self.max_fee_gwei}"
            )
        for tip, cap in (
            ("priority_fee_gwei", "max_fee_gwei"),
            ("urgent_priority_fee_gwei", "urgent_max_fee_gwei"),
        ):
            if getattr(self, tip) > getattr(self, cap):
                raise ValueError(f"{tip} {getattr(self, tip)} must not exceed {cap} {getattr(self, cap)}")
        if self.replace_after_seconds > self.receipt_timeout_seconds:
            raise ValueError(
                f"replace_after_seconds {self.replace_after_seconds} must not exceed receipt_timeout_seconds "
                f"{self.receipt_timeout_seconds}"
            )
        return self


class KeeperSettings(_Section):
    """Rhythm of the loop."""

    interval_seconds: Real = Field(gt=0)
    retry_initial_seconds: Real = Field(gt=0)
    retry_max_seconds: Real = Field(gt=0)


class LedgerSettings(_Section):
    """Where the records are kept."""

    url: Annotated[str, AfterValidator(_ledger_url)]


class Settings(_Section):
    """One network's configuration."""

    network: str
    chain: ChainSettings
    vault: VaultSettings
    oracle: OracleSettings
    bounds: BoundsSettings
    policy: PolicySettings
    margin: MarginSettings
    costs: CostSettings
    execution: ExecutionSettings
    keeper: KeeperSettings
    ledger: LedgerSettings

    @property
    def manifest_path(self) -> Path:
        """File of the deployed addresses."""
        return Path(self.chain.manifest_path or f"deployments/{self.chain.chain_id}.json")

    def with_rpc_urls(self, *urls: str) -> Settings:
        """Return a copy that talks to other servers."""
        return self.model_copy(update={"chain": self.chain.model_copy(update={"rpc_urls": urls})})

    def with_ledger_url(self, url: str) -> Settings:
        """Return a copy that keeps its records elsewhere."""
        return self.model_copy(update={"ledger": LedgerSettings(url=url)})


def config_path(network: str) -> Path:
    """Return the configuration file of a network, relative to the working directory.

    Raises
    ------
    DataError
        No such file; the message lists the networks there are.

    """
    path = CONFIG_DIRECTORY / f"{network}.toml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in CONFIG_DIRECTORY.glob("*.toml"))) or "none"
        raise DataError(f"{path}: no such file; networks configured here: {known}")
    return path


def load_settings(path: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """Read and check a network's configuration.

    Parameters
    ----------
    path
        ``config/<network>.toml``; the stem is the network's name.
    environment
        ``EVENKEEL_RPC_URLS`` and ``EVENKEEL_LEDGER_URL`` replace what the file says.

    Raises
    ------
    DataError
        One line: file, key, what is wrong and how to mend it.

    """
    document = _read(path)
    _refuse_secrets(document, path)
    if urls := environment.get(RPC_URLS_VARIABLE):
        _section(document, "chain", path)["rpc_urls"] = [url.strip() for url in urls.split(",") if url.strip()]
    if url := environment.get(LEDGER_URL_VARIABLE):
        _section(document, "ledger", path)["url"] = url
    document["policy"] = _policy(_section(document, "policy", path), path)
    if "network" in document:
        raise DataError(f"{path}: network: the file's name is the network's name; remove the key")
    try:
        return Settings.model_validate({**document, "network": path.stem})
    except ValidationError as error:
        raise DataError(_one_line(error, path)) from None


def _read(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; check --network or --config") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: byte {error.start} is not UTF-8 text; save the file as UTF-8") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); check its permissions") from None
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{path}: not TOML: {error}; mend that line") from None


def _section(document: dict[str, object], name: str, path: Path) -> dict[str, object]:
    section = document.get(name)
    if not isinstance(section, dict):
        raise DataError(f"{path}: [{name}]: section is missing; add it")
    return section


def _refuse_secrets(document: Mapping[str, object], path: Path) -> None:
    """Refuse URLs with a password in a file that belongs in version control."""
    for section, key, variable in (
        ("chain", "rpc_urls", RPC_URLS_VARIABLE),
        ("ledger", "url", LEDGER_URL_VARIABLE),
    ):
        entries = document.get(section)
        written = entries.get(key) if isinstance(entries, dict) else None
        for url in written if isinstance(written, list) else [written]:
            if isinstance(url, str) and urlsplit(url).password is not None:
                raise DataError(f"{path}: [{section}] {key}: holds a password; put the URL into {variable} instead")


def _policy(section: Mapping[str, object], path: Path) -> dict[str, object]:
    """Split the policy's name from its numbers, which each policy names itself."""
    name = section.get("name")
    if not isinstance(name, str) or name not in POLICIES:
        known = ", ".join(sorted(POLICIES))
        raise DataError(f"{path}: [policy] name: {name!r} is not a policy; choose one of {known}")
    expected = [field.name for field in fields(POLICIES[name])]
    numbers = {key: number for key, number in section.items() if key != "name"}
    for key in numbers:
        if key not in expected:
            raise DataError(f"{path}: [policy] {key}: unknown key{_did_you_mean(key, expected)}")
    for key in expected:
        if key not in numbers:
            raise DataError(f"{path}: [policy] {key}: missing; policy {name} needs it")
    return {"name": name, "parameters": numbers}


def _one_line(error: ValidationError, path: Path) -> str:
    """Return the first complaint as file, key, what and how to mend."""
    first = error.errors()[0]
    location = [str(part) for part in first["loc"]]
    section, keys = (location[0], location[1:]) if location else ("", [])
    where = f"{path}: [{section}] {'.'.join(keys)}".rstrip()
    if first["type"] == "extra_forbidden":
        known = _known_keys(location[:-1])
        if len(location) == 1:
            return f"{path}: [{section}]: unknown section{_did_you_mean(section, known)}"
        return f"{where}: unknown key{_did_you_mean(location[-1], known)}"
    if first["type"] == "missing":
        return f"{where}: missing; add it"
    message = first["msg"].removeprefix("Value error, ")
    if isinstance(first["input"], str | int | float | Decimal):
        message = f"{message}, not {first['input']!s}"
    return f"{where}: {message}"


def _known_keys(location: list[str]) -> list[str]:
    """Return the keys that may stand at a place of the file."""
    model: type[BaseModel] = Settings
    for part in location:
        annotation = model.model_fields[part].annotation
        candidates = [annotation, *get_args(annotation)]
        model = next(kind for kind in candidates if isinstance(kind, type) and issubclass(kind, BaseModel))
    return [key for key in model.model_fields if key != "network"]


def _did_you_mean(key: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(key, known, n=1)
    return f"; did you mean {nearest[0]}?" if nearest else f"; known keys: {', '.join(known)}"

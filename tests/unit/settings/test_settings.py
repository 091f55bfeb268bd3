"""One configuration file a network: exact numbers, no secrets, and one line that says what to mend."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from agent.budgets import loss_bounds
from agent.chain.config import RPC_URLS_VARIABLE, WS_URLS_VARIABLE
from agent.costs.impact import ImpactCoefficients
from agent.errors import DataError
from agent.ledger.config import LEDGER_URL_VARIABLE
from agent.policy.whalley_wilmott import WhalleyWilmott
from agent.routing import SlicingParameters
from agent.settings import config_path, load_settings
from agent.settings.contracts import (
    HARD_LIMITS,
    MAX_DAILY_LOSS_BPS,
    MAX_MANAGEMENT_BPS,
    MAX_PERFORMANCE_BPS,
    MAX_QUEUE_WIDTH_BPS,
    MAX_RESCUE_GAS_UNITS,
    MAX_SILENCE_SECONDS,
    MIN_COOLDOWN_SECONDS,
    MIN_SILENCE_SECONDS,
)
from agent.settings.keeper import PRICE_SERVICE_URL_VARIABLE
from agent.units import WAD, Rounding, Wad, to_wad
from tests.support.decision_builders import short_calls, snapshot_of


@pytest.fixture
def localnet_text(repository: Path) -> str:
    return (repository / "config" / "localnet.toml").read_text(encoding="utf-8")


@pytest.fixture
def localnet(tmp_path: Path, localnet_text: str):
    """Load the local configuration with one piece of text replaced."""

    def load(old: str = "", new: str = "", environment: dict[str, str] | None = None):
        assert old in localnet_text
        path = tmp_path / "localnet.toml"
        path.write_text(localnet_text.replace(old, new, 1) if old else localnet_text, encoding="utf-8")
        return load_settings(path, environment or {})

    return load


def complaint(localnet, old: str, new: str) -> str:
    with pytest.raises(DataError) as caught:
        localnet(old, new)
    message = str(caught.value)
    assert "\n" not in message
    assert "localnet.toml" in message
    return message


def test_load_settings__localnet_file__bounds_are_the_integers_people_wrote(localnet):
    settings = localnet()
    bounds = settings.bounds.to_bounds()
    assert settings.network == "localnet"
    assert settings.chain.chain_id == 31_337
    assert bounds.band == 7 * WAD
    assert bounds.max_venue_leverage == 4 * WAD
    assert (bounds.turnover_capacity, bounds.min_notional) == (525_000 * WAD, 500 * WAD)
    assert (bounds.max_slippage_bps, bounds.max_fee_bps, bounds.cooldown_seconds) == (60, 15, 240)


def test_to_price_limits__localnet_file__is_in_the_order_of_the_contract(localnet, repository):
    limits = localnet().oracle
    declared = (repository / "contracts" / "types" / "Prices.sol").read_text(encoding="utf-8")
    struct = declared.split("struct PriceLimits {")[1].split("}")[0]
    fields = [line.split()[-1].rstrip(";") for line in struct.strip().splitlines()]
    names = [re.sub(r"(?=[A-Z])", "_", field).lower() for field in fields]
    distinct = limits.model_copy(update={name: 10 + number for number, name in enumerate(names)})
    assert len(names) == 10
    assert distinct.to_price_limits()[:8] == tuple(range(10, 18))
    assert limits.to_price_limits()[8:] == (limits.min_price, limits.max_price) == (100 * WAD, 100_000 * WAD)


def test_load_settings__localnet_file__stolen_keys_cost_what_the_guard_says(localnet):
    settings = localnet()
    one_key_usd, all_keys_usd = settings.bounds.loss_bounds_usd(400_000)
    measurement = replace(snapshot_of(short_calls()).measurement, nav=400_000 * WAD)
    found = loss_bounds(settings.bounds.to_bounds(), measurement, (0,))
    assert (found.keeper_key, found.all_keeper_keys) == (to_wad(f"{one_key_usd}", Rounding.UP), 12_000 * WAD)
    assert (one_key_usd, all_keys_usd) == (8_000.4, 12_000.0)


@pytest.mark.parametrize("name", ["docs/hedge-your-book.md", "config/localnet.toml"])
def test_loss_bounds__figures_in_text__the_same(repository, localnet, name):
    text = (repository / name).read_text(encoding="utf-8")
    one_key_usd, all_keys_usd = localnet().bounds.loss_bounds_usd(400_000)
    assert f"one stolen key costs ${one_key_usd:,.0f}" in text
    assert f"all keys together ${all_keys_usd:,.0f}" in text


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("min_notional_usd = 500", "min_notional_usd = 300_001", "min_notional_usd 300001 exceeds max_notional_usd"),
        ("max_slippage_bps = 60", "max_slippage_bps = 301", "max_slippage_bps 301 exceeds 300, the contract's hard"),
        ("max_leverage_ratio = 2", "max_leverage_ratio = 5.1", "max_leverage_ratio 5.1 exceeds 5, the contract's"),
        ("cooldown_seconds = 240", "cooldown_seconds = 29", "cooldown_seconds 29 is below 30, the contract's hard"),
        ("loss_capacity_bps = 150", "loss_capacity_bps = 351", "are 501 together, above 500, the contract's hard"),
        ("max_drawdown_bps = 350", "max_drawdown_bps = 349", "max_drawdown_bps 349 is below the 350 that"),
        ("max_width_bps = 500", "max_width_bps = 2001", "[queue] max_width_bps: Input should be less than or equal"),
        ("max_width_bps = 500", "max_width_bps = 0", "[queue] max_width_bps: Input should be greater than 0"),
        ("silence_seconds = 3600", "silence_seconds = 899", "[rescue] silence_seconds: Input should be greater than"),
        ("silence_seconds = 3600", "silence_seconds = 172_801", "[rescue] silence_seconds: Input should be less than"),
        ("max_gas_units = 3_000_000", "max_gas_units = 10_000_001", "[rescue] max_gas_units: Input should be less"),
        ("max_payment_eth = 0.7", "max_payment_eth = 2.1", "[rescue]: max_payment_eth 2.1 exceeds max_payment_eth_per"),
        ("tank_eth = 2", "tank_eth = 2e18", "[rescue] tank_eth: Input should be less than or equal to 1000"),
    ],
)
def test_load_settings__bound_outside_a_hard_limit__said_at_once(localnet, old, new, words):
    with pytest.raises(DataError, match=re.escape(words)):
        localnet(old, new)


HARD_LIMIT_NAMES = {
    "max_venue_leverage_ratio": "MAX_VENUE_LEVERAGE",
    "max_leverage_ratio": "MAX_LEVERAGE",
    "max_slippage_bps": "MAX_SLIPPAGE_BPS",
    "max_fee_bps": "MAX_FEE_BPS",
    "max_nav_loss_bps": "MAX_NAV_LOSS_BPS",
    "max_drawdown_bps": "MAX_DRAWDOWN_BPS",
    "idle_floor_bps": "MAX_IDLE_FLOOR_BPS",
    "urgent_reserve_bps": "MAX_URGENT_RESERVE_BPS",
    "keeper_share_bps": "MAX_KEEPER_SHARE_BPS",
    "cooldown_seconds": "MAX_COOLDOWN",
}


def hard_limits(repository):
    """Constants of ``BoundsRules.sol`` in human units."""
    text = (repository / "contracts" / "libraries" / "BoundsRules.sol").read_text(encoding="utf-8")
    written = dict(re.findall(r"uint\d+ internal constant (\w+) = ([^;]+);", text))
    return {name: int(float(in_whole_units(number))) for name, number in written.items()}


def in_whole_units(number):
    """``1e12 * 1e18`` and ``10e18`` are WAD; ``1 days`` is seconds."""
    return number.replace(" * 1e18", "").replace("e18", "").replace("1 days", "86_400")


def test_hard_limits__contract_source__the_same(repository):
    source = hard_limits(repository)
    expected = {key: source[name] for key, name in HARD_LIMIT_NAMES.items()}
    for key in HARD_LIMITS.keys() - expected.keys():
        expected[key] = source["MAX_UNDERLYING" if key.endswith("_underlying") else "MAX_USD"]
    assert expected == HARD_LIMITS
    assert (source["MAX_DAILY_LOSS_BPS"], source["MIN_COOLDOWN"]) == (MAX_DAILY_LOSS_BPS, MIN_COOLDOWN_SECONDS)


def constants(repository: Path, contract: str) -> dict[str, int]:
    """Public whole-number constants of a contract; times in seconds."""
    text = (repository / "contracts" / contract).read_text(encoding="utf-8")
    units = {"minutes": 60, "hours": 3_600, "days": 86_400}
    found = re.findall(r"uint256 public constant (\w+) = ([\d_]+)(?: (\w+))?;", text)
    return {name: int(number) * units.get(unit, 1) for name, number, unit in found}


def test_limits_of_queue_desk_and_fees__contract_source__the_same(repository):
    queue, desk = constants(repository, "vault/RedemptionQueue.sol"), constants(repository, "relay/RescueDesk.sol")
    assert queue["MAX_WIDTH_BPS"] == MAX_QUEUE_WIDTH_BPS
    assert (desk["MIN_SILENCE"], desk["MAX_SILENCE"]) == (MIN_SILENCE_SECONDS, MAX_SILENCE_SECONDS)
    assert desk["MAX_GAS"] == MAX_RESCUE_GAS_UNITS
    assert constants(repository, "vault/ShareFees.sol") == {
        "MAX_MANAGEMENT_BPS": MAX_MANAGEMENT_BPS,
        "MAX_PERFORMANCE_BPS": MAX_PERFORMANCE_BPS,
    }


def test_to_terms__localnet_file__is_in_the_order_of_the_contract(localnet, repository):
    declared = (repository / "contracts" / "relay" / "RescueDesk.sol").read_text(encoding="utf-8")
    struct = declared.split("struct Terms {")[1].split("}")[0]
    fields = [line.split()[-1].rstrip(";") for line in struct.strip().splitlines()]
    assert fields == ["silenceSeconds", "maxGas", "maxWei", "maxWeiPerDay"]
    rescue = localnet().rescue
    assert rescue.to_terms() == (3_600, 3_000_000, 7 * WAD // 10, 2 * WAD)
    assert rescue.to_tank() == 2 * WAD


def test_to_terms__more_decimals_than_wei__rounds_down(localnet):
    terms = localnet("max_payment_eth = 0.7", "max_payment_eth = 0.7000000000000000009").rescue.to_terms()
    assert terms[2] == 7 * WAD // 10


FEES = """
[fees]
management_bps_per_year = 100
performance_bps = 1000
"""


def test_load_settings__fees__none_unless_the_section_names_them(localnet):
    assert localnet().fees is None
    fees = localnet("[ledger]", FEES + "[ledger]").fees
    assert (fees.management_bps_per_year, fees.performance_bps) == (100, 1_000)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("management_bps_per_year = 100", "management_bps_per_year = 201", "[fees] management_bps_per_year: Input"),
        ("performance_bps = 1000", "performance_bps = 2001", "[fees] performance_bps: Input should be less than"),
        ("performance_bps = 1000", "", "[fees] performance_bps: missing; add it"),
        ("performance_bps = 1000", "performance_bps = 0.5", "[fees] performance_bps: write a whole number"),
        ("management_bps_per_year", "management_bps", "unknown key; did you mean management_bps_per_year?"),
    ],
)
def test_load_settings__bad_fees__are_refused_with_their_key(localnet, old, new, expected):
    assert expected in complaint(localnet, "[ledger]", FEES.replace(old, new) + "[ledger]")


def test_load_settings__decimal_fraction__is_exact_on_chain(localnet):
    bounds = localnet("band_underlying = 7 ", "band_underlying = 0.3 ").bounds.to_bounds()
    assert bounds.band == 3 * WAD // 10


def test_to_bounds__more_decimals_than_wad__allowed_rounds_down_and_demanded_up(localnet):
    long = "1.0000000000000000019"
    assert localnet("band_underlying = 7 ", f"band_underlying = {long} ").bounds.to_bounds().band == WAD + 1
    minimum = localnet("min_improvement_underlying = 0.1", f"min_improvement_underlying = {long}")
    assert minimum.bounds.to_bounds().min_improvement == WAD + 2


def test_load_settings__policy_section__builds_the_policy_with_its_own_numbers(localnet):
    policy = localnet().policy.build()
    assert isinstance(policy, WhalleyWilmott)
    assert policy.risk_aversion_per_usd == 0.002


def test_to_decision_settings__asset_decimals__scale_the_least_margin_move(localnet):
    margin = localnet().to_decision_parameters(6).routing.margin
    assert margin.min_margin_delta == 100 * 10**6
    assert margin.target_leverage == 15 * WAD // 10


SLICING = """
[slicing]
interval_seconds = 300
max_slices = 10
vol_annual = 0.65
risk_aversion_per_usd = 0.001
"""
IMPACT = """
[slicing.impact]
spread_usd = 3.2
temporary_usd_per_unit = 0.14
permanent_usd_per_unit = 0.01
"""


def test_to_decision_settings__no_slicing_section__cuts_nothing(localnet):
    assert localnet().to_decision_parameters(6).slicing is None


def test_to_decision_settings__slicing_section__is_what_the_core_gets(localnet):
    slicing = localnet("[ledger]", SLICING + "[ledger]").to_decision_parameters(6).slicing
    assert slicing == SlicingParameters(300.0, 10, 0.65, 0.001)
    own = localnet("[ledger]", SLICING + IMPACT + "[ledger]").to_decision_parameters(6).slicing
    assert own.impact == ImpactCoefficients(3.2, 0.14, 0.01)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("interval_seconds = 300", "interval_seconds = 0", "[slicing] interval_seconds"),
        ("max_slices = 10", "max_slices = 2000", "[slicing] max_slices"),
        ("max_slices = 10", "max_slice = 10", "[slicing] max_slice: unknown key; did you mean max_slices?"),
        ("vol_annual = 0.65", "", "[slicing] vol_annual"),
    ],
)
def test_load_settings__bad_slicing__is_refused_with_its_key(localnet, old, new, expected):
    assert expected in complaint(localnet, "[ledger]", SLICING.replace(old, new) + "[ledger]")


def test_to_cost_inputs__gas_of_a_leg__is_free_unless_configured(localnet):
    unset = localnet("leg_gas_units = 900_000", "")
    assert unset.costs.to_cost_inputs(Wad(WAD), Decimal(0)).leg_gas_units == 0
    configured = localnet("leg_gas_units = 900_000", "leg_gas_units = 700_000")
    assert configured.costs.to_cost_inputs(Wad(WAD), Decimal(0)).leg_gas_units == 700_000


def test_to_cost_inputs__gas_paid_in_the_underlying__uses_the_oracle_price(localnet):
    costs = localnet().costs.to_cost_inputs(Wad(2_500 * WAD), Decimal("1.5"))
    assert costs.eth_price_usd == 2_500.0
    assert costs.priority_fee_wei == 1_500_000_000
    fixed = localnet('gas_token_price_usd = "oracle"', "gas_token_price_usd = 0.5")
    assert fixed.costs.to_cost_inputs(Wad(2_500 * WAD), Decimal(0)).eth_price_usd == 0.5


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "cooldown_seconds",
            "cooldown_second",
            "[bounds] cooldown_second: unknown key; did you mean cooldown_seconds?",
        ),
        ("cooldown_seconds = 240", 'cooldown_seconds = "240"', "[bounds] cooldown_seconds: write a whole number"),
        ("cooldown_seconds = 240", "cooldown_seconds = 240.5", "[bounds] cooldown_seconds: write a whole number"),
        ("max_fee_bps = 15", "max_fee_bps = true", "[bounds] max_fee_bps: write a whole number"),
        (
            "max_fee_bps = 15",
            "max_fee_bps = 10_000",
            "[bounds] max_fee_bps: Input should be less than 10000, not 1",
        ),
        ("band_underlying = 7 ", "band_underlying = nan ", "[bounds] band_underlying: "),
        (
            "band_underlying = 7 ",
            f"band_underlying = {'7' * 101}.5 ",
            "[bounds] band_underlying: write at most 100 digits",
        ),
        (
            "cooldown_seconds = 240",
            f"cooldown_seconds = {'7' * 101}",
            "cooldown_seconds: write at most 100 digits, not 7",
        ),
        ("cooldown_seconds = 240", f"cooldown_seconds = 0x{'f' * 4_000}", "a number beyond all bounds; mend it"),
        ("band_underlying = 7 ", "band_underlying = inf ", "[bounds] band_underlying: "),
        ("band_underlying = 7 ", "band_underlying = -5 ", "[bounds] band_underlying: Input should be greater than 0"),
        ("band_underlying = 7 ", "# band_underlying", "[bounds] band_underlying: missing; add it"),
        ("urgent_delta_underlying = 15", "urgent_delta_underlying = 4", "[bounds]: urgent_delta_underlying 4 must not"),
        (
            "delay_seconds = 86_400",
            "delay_seconds = 86_399",
            "[governance] delay_seconds: Input should be greater than",
        ),
        (
            "delay_seconds = 86_400",
            "delay_seconds = 2_592_001",
            "[governance] delay_seconds: Input should be less than",
        ),
        ("[bounds]", "[bound]", "[bound]: unknown section; did you mean bounds?"),
        ("[decision]", "[decisions]", "[decisions]: unknown section; did you mean decision?"),
        ("[policy]", "[polic]", "[policy]: section is missing"),
        ('"whalley_wilmott"', '"whaley"', "[policy] name: 'whaley' is not a policy; choose one of"),
        ("risk_aversion_per_usd", "risk_aversion", "risk_aversion: unknown key; did you mean risk_aversion_per_usd"),
        ("risk_aversion_per_usd = 0.002", "", "[policy] risk_aversion_per_usd: missing; policy whalley_wilmott needs"),
        (
            "risk_aversion_per_usd = 0.002",
            'risk_aversion_per_usd = "x"',
            "risk_aversion_per_usd: write a plain",
        ),
        (
            "risk_aversion_per_usd = 0.002",
            "risk_aversion_per_usd = 0",
            "risk_aversion_per_usd is 0.0; expected a positive",
        ),
        ("http://127.0.0.1:8545", "127.0.0.1:8545", "[chain] rpc_urls.0: write a URL such as"),
        (
            "rpc_quorum = 1",
            'rpc_quorum = 1\nws_urls = ["http://127.0.0.1:8545"]',
            "[chain] ws_urls.0: write a URL such as ws://127.0.0.1:8545",
        ),
        (
            "rpc_quorum = 1",
            'rpc_quorum = 1\nws_urls = ["wss://me:secret@one.example"]',
            "[chain] ws_urls: holds a password; put the URL into EVENKEEL_WS_URLS",
        ),
        ("rpc_quorum = 1", "rpc_quorum = 2", "[chain]: rpc_quorum 2 needs as many rpc_urls, not 1"),
        (
            "http://127",
            "http://me:secret@127",
            "[chain] rpc_urls: holds a password; put the URL into EVENKEEL_RPC_URLS",
        ),
        ("sqlite:///", "mysql://", "[ledger] url: write sqlite:///path"),
        (
            "min_price_usd = 100",
            "min_price_usd = 200_000",
            "[oracle]: min_price_usd 200000 must be below max_price_usd",
        ),
        ("max_age_seconds = 3600", "max_age_seconds = 90_001", "[oracle] max_age_seconds: Input should be less than"),
        ("deviation_bps = 100", "deviation_bps = 0", "[oracle] deviation_bps: Input should be greater than 0"),
        ("max_depeg_bps = 100", "max_depeg_bps = 1001", "[oracle] max_depeg_bps: Input should be less than or equal"),
        ("low_leverage_ratio = 0.5", "low_leverage_ratio = 1.5", "[margin]: low_leverage_ratio 1.5 < target_leverage"),
        (
            "urgent_max_fee_gwei = 500",
            "urgent_max_fee_gwei = 5",
            "[execution]: urgent_max_fee_gwei 5 must not be below",
        ),
        ("\npriority_fee_gwei = 1", "\npriority_fee_gwei = 101", "[execution]: priority_fee_gwei 101 must not exceed"),
        ("usual_gas_units = 2", "usual_gas_units = 20", "usual_gas_units 20000000 must not exceed max_gas_units"),
        (
            "max_fee_gwei = 100",
            "cancel_max_fee_gwei = 9\nmax_fee_gwei = 100",
            "[execution]: cancel_max_fee_gwei 9 must not",
        ),
        ("[chain]", 'network = "x"\n[chain]', "network: the file's name is the network's name; remove the key"),
        ("[chain]", "[chain", "not TOML"),
    ],
)
def test_load_settings__bad_input__says_in_one_line_what_where_and_how_to_mend(localnet, old, new, expected):
    assert expected in complaint(localnet, old, new)


def test_load_settings__every_key_removed_in_turn__is_missed(localnet, localnet_text):
    own = localnet_text[: localnet_text.index("[deploy]")].splitlines()
    lines = [line for line in own if " = " in line and not line.startswith("#")]
    assert len(lines) > 50
    for line in lines:
        key = line.split(" = ")[0]
        if key in {"leg_gas_units", "position_horizon_days"}:
            continue  # a chain with one venue needs neither
        assert key in complaint(localnet, f"\n{line}\n", "\n"), key


def test_load_settings__environment__replaces_urls_that_hold_secrets(localnet):
    settings = localnet(
        environment={
            RPC_URLS_VARIABLE: "https://user:pass@one.example, https://two.example",
            WS_URLS_VARIABLE: "wss://user:pass@one.example, ws://two.example",
            LEDGER_URL_VARIABLE: "postgresql+psycopg://keeper:pass@db/ledger",
        }
    )
    assert settings.chain.ws_urls == ("wss://user:pass@one.example", "ws://two.example")
    assert settings.chain.rpc_urls == ("https://user:pass@one.example", "https://two.example")
    assert settings.ledger.url == "postgresql+psycopg://keeper:pass@db/ledger"


@pytest.mark.parametrize(
    ("variable", "written"),
    [
        (RPC_URLS_VARIABLE, "ftp://one.example/SECRET"),
        (RPC_URLS_VARIABLE, "one.example/SECRET"),
        (RPC_URLS_VARIABLE, "https://one.example:99999/SECRET"),
        (RPC_URLS_VARIABLE, "https://[::1/SECRET"),
        (RPC_URLS_VARIABLE, "https://one.example/SECRET https://two.example/SECRET"),
        (WS_URLS_VARIABLE, "wss://me:SECRET@one.example:99999"),
        (LEDGER_URL_VARIABLE, "mysql://me:SECRET@one.example/ledger"),
        (PRICE_SERVICE_URL_VARIABLE, "https://one.example:99999/SECRET"),
    ],
)
def test_load_settings__environment_with_a_bad_url__is_refused_and_not_repeated(localnet, variable, written):
    with pytest.raises(DataError, match=f": write .*, there or in {variable}") as refusal:
        localnet(environment={variable: written})
    assert "SECRET" not in str(refusal.value)


@pytest.mark.parametrize("seconds", ["86_401", "1e300"])
def test_load_settings__wait_beyond_a_day__is_refused(localnet, seconds):
    assert "interval_seconds: Input should be less than" in complaint(
        localnet, "interval_seconds = 5\n", f"interval_seconds = {seconds}\n"
    )


def test_load_settings__ledger_password_in_the_file__is_refused(localnet):
    message = complaint(localnet, "sqlite:///.evenkeel/localnet/ledger.sqlite", "postgresql://keeper:pass@db/ledger")
    assert "put the URL into EVENKEEL_LEDGER_URL instead" in message
    assert "pass@" not in message


def test_load_settings__no_file__names_the_path(tmp_path):
    with pytest.raises(DataError, match=r"nowhere\.toml: no such file"):
        load_settings(tmp_path / "nowhere.toml", {})


def test_config_path__unknown_network__lists_the_known_ones(repository, monkeypatch):
    monkeypatch.chdir(repository)
    assert config_path("localnet") == Path("config/localnet.toml")
    with pytest.raises(DataError, match=r"networks configured here: .*localnet"):
        config_path("localnte")


def test_config_path__nothing_configured_here__says_where_to_go(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"localnet\.toml: no such file; .* where the directory config is"):
        config_path("localnet")


def test_settings__copies_with_other_servers__leave_the_original_alone(localnet):
    settings = localnet()
    changed = settings.with_rpc_urls("http://127.0.0.1:18650").with_ledger_url("sqlite:///x.sqlite")
    assert changed.chain.rpc_urls == ("http://127.0.0.1:18650",)
    assert changed.ledger.url == "sqlite:///x.sqlite"
    assert settings.chain.rpc_urls == ("http://127.0.0.1:8545",)
    assert str(settings.chain.manifest_file) == "deployments/31337.json"
    elsewhere = settings.chain.model_copy(update={"manifest_path": "elsewhere/vault.json"})
    assert str(elsewhere.manifest_file) == "elsewhere/vault.json"

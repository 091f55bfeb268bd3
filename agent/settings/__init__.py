"""What an operator configures: one TOML file a network, secrets and addresses of servers from the environment.

Every key carries its unit, no key is optional unless it says so, none may be unknown.
"""

from agent.settings.file import (
    KEEPER_KEY_VARIABLE,
    LEDGER_URL_VARIABLE,
    MANIFEST_PATH_VARIABLE,
    RPC_URLS_VARIABLE,
    config_path,
    load_settings,
)
from agent.settings.settings import (
    BoundsSettings,
    ChainSettings,
    ExecutionSettings,
    KeeperSettings,
    LedgerSettings,
    OracleSettings,
    PolicySettings,
    Settings,
    VaultSettings,
)

__all__ = [
    "KEEPER_KEY_VARIABLE",
    "LEDGER_URL_VARIABLE",
    "MANIFEST_PATH_VARIABLE",
    "RPC_URLS_VARIABLE",
    "BoundsSettings",
    "ChainSettings",
    "ExecutionSettings",
    "KeeperSettings",
    "LedgerSettings",
    "OracleSettings",
    "PolicySettings",
    "Settings",
    "VaultSettings",
    "config_path",
    "load_settings",
]

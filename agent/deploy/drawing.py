"""Contracts at the addresses that their code, their arguments and a salt give, before any of them stands."""

from __future__ import annotations

from typing import Any

from eth_utils.crypto import keccak

from agent.deploy.artifact import load_artifact
from agent.deploy.dao import DaoSection, governor_arguments, token_arguments
from agent.deploy.steps import Creation
from agent.localnet.codec import create2_address
from agent.localnet.deployer import CREATE2_FACTORY
from agent.units import Address


class Drawing:
    """The contracts drawn so far, by key, in the order of their creation."""

    def __init__(self, salt: str) -> None:
        self._salt = salt
        self.creations: dict[str, Creation] = {}

    def create(self, contract: str, *arguments: Any, key: str | None = None) -> Address:
        """Draw a contract and return where it will stand; ``key`` tells apart two of one name."""
        key = key or contract
        salt = keccak(text=f"{self._salt}/{key}")
        init_code = load_artifact(contract).init_code(arguments)
        address = create2_address(CREATE2_FACTORY, int.from_bytes(salt, "big"), keccak(init_code))
        self.creations[key] = Creation(key, contract, arguments, address, salt, init_code)
        return address

    def create_access(self, deployer: str) -> Address:
        """Draw the roles, which depend on nobody but the deployer until they are handed over."""
        return self.create("VaultAccess", deployer)

    def create_dao(self, dao: DaoSection, access: Address) -> Address:
        """Draw a DAO's Governor, and its token where it has none; return the Governor."""
        token = Address(dao.token)
        if dao.new_token is not None:
            token = self.create("GovernanceToken", *token_arguments(dao.new_token))
        return self.create("VaultGovernor", *governor_arguments(dao, access, token))


def dao_address(salt: str, dao: DaoSection, deployer: str) -> Address:
    """Return where the Governor of a DAO will stand."""
    drawing = Drawing(salt)
    return drawing.create_dao(dao, drawing.create_access(deployer))

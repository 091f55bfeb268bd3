"""The whole examination: machine, endpoints, vault, in the order in which one stands on the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from agent.chain.client import ChainClient
from agent.chain.deployment import Deployment, load_deployment
from agent.chain.state import StateCalls
from agent.doctor.check import Check, Verdict, good, judged, patiently
from agent.doctor.endpoints import Endpoint
from agent.doctor.host import host_checks
from agent.doctor.vault import VaultDoctor
from agent.domain import LADDER_RUNGS, BlockRef
from agent.errors import AgentError, DataError
from agent.settings import Settings
from agent.venues.registry import OWN_VIEWS


@dataclass(frozen=True, slots=True)
class Patient:
    """What is examined: a network's configuration and, where one is given, a book."""

    settings: Settings
    config: Path
    book: Path | None
    environment: Mapping[str, str]


def examine(patient: Patient, clock: Callable[[], float]) -> Iterator[Check]:
    """Yield every check as it is done; what cannot be checked any more is said to be so."""
    settings = patient.settings
    yield from host_checks(settings.ledger, patient.environment)
    try:
        deployment = load_deployment(settings.chain.manifest_file, settings.chain.chain_id)
        calls = StateCalls(deployment, own_views=OWN_VIEWS).calls
    except DataError as failure:
        yield Check("manifest", Verdict.FAILED, str(failure), "name the right [chain] manifest_path, or deploy")
        return
    yield good("manifest", f"{settings.chain.manifest_file}, vault {deployment.contract('HedgeVault')}")
    batch_size, answering = len(calls) + 2 * LADDER_RUNGS * len(deployment.venues), 0
    for url in settings.chain.rpc_urls:
        endpoint = Endpoint(url, settings.chain)
        checks = [*endpoint.examine(deployment.contract("HedgeVault"), batch_size, clock)]
        answering += all(check.verdict is not Verdict.FAILED for check in checks)
        yield from checks
    yield _quorum(settings, answering)
    yield from _vault_checks(patient, deployment, clock, is_answered=answering > 0)


def _quorum(settings: Settings, answering: int) -> Check:
    quorum, count = settings.chain.rpc_quorum, len(settings.chain.rpc_urls)
    found = f"{answering} of {count} endpoints are fit, a decision needs {quorum}"
    if answering < quorum:
        return Check("quorum", Verdict.FAILED, found, "mend or replace the endpoints above")
    mend = "the next endpoint that fails stops the keeper: mend it or name one more in [chain] rpc_urls"
    return judged("quorum", answering > quorum, found, mend, Verdict.WARNING)


def _vault_checks(
    patient: Patient, deployment: Deployment, clock: Callable[[], float], *, is_answered: bool
) -> Iterator[Check]:
    settings = patient.settings
    with closing(ChainClient(settings.chain)) as client:
        try:
            block = patiently(partial(_head, client, clock)) if is_answered else _head(client, clock)
        except AgentError as failure:
            yield Check("vault", Verdict.UNKNOWN, f"no block to read it at: {failure}", "mend the endpoints above")
            return
        doctor = VaultDoctor(settings, client, deployment, block)
        yield from doctor.examine(patient.environment, patient.config, patient.book)


def _head(client: ChainClient, clock: Callable[[], float]) -> BlockRef:
    client.require_chain()
    return client.head(clock())

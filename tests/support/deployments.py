"""A network of its own on the local chain: a file as a network's, and what sends a deployment's steps."""

from __future__ import annotations

import http.client
import http.server
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from agent.chain.deployment_inputs import DeploymentInputs
from agent.deploy.execution import Sent
from agent.deploy.session import Session, Sources, open_session
from agent.deploy.steps import Step, Transaction
from agent.localnet.deployment import deployment_inputs
from agent.localnet.session import Localnet

NAME = "testnet"


class StoppedError(Exception):
    """A run that ends as a killed one does: between two transactions, with nothing written."""


def network_text(base: str, chain_id: int, inputs: DeploymentInputs, rpc_url: str, manifest_path: Path) -> str:
    """The contracts' sections of ``config/localnet.toml`` for another chain, with every address written out."""
    head = base[: base.index("[policy]")].replace("chain_id = 31337", f"chain_id = {chain_id}")
    head = head.replace('"http://127.0.0.1:8545"', f'"{rpc_url}"')
    head = head.replace("[vault]", f'manifest_path = "{manifest_path}"\n\n[vault]', 1)
    (venue,) = inputs.venues
    names = ("asset", "price_feed", "underlying_token", "underlying_holder", "deployer", "governor", "guardian")
    deploy = "".join(f'{name} = "{getattr(inputs, name)}"\n' for name in names)
    addresses = "".join(f'{name} = "{address}"\n' for name, address in venue.addresses.items())
    return (
        f'{head}\n[deploy]\nsalt = "test"\nsettlement_window_seconds = 1800\n{deploy}keepers = ["{inputs.keeper}"]\n'
        f'members = ["{inputs.members[0]}"]\n'
        f'fee_recipient = "{inputs.fee_recipient}"\n\n[[venue.live]]\nname = "curie"\nkind = "curie"\n\n'
        f"[venue.live.addresses]\n{addresses}"
    )


class Testnet:
    """The chain, and the file of the network that a deployment is read from."""

    __test__ = False

    def __init__(self, localnet: Localnet, directory: Path, repository: Path) -> None:
        self.localnet = localnet
        self.port = int(localnet.rpc_url.rpartition(":")[2])
        self.config = directory / f"{NAME}.toml"
        self.manifest_path = directory / "deployed.json"
        self.inputs = deployment_inputs(localnet.manifest)
        self.text = network_text(
            (repository / "config" / "localnet.toml").read_text(),
            localnet.manifest.chain_id,
            self.inputs,
            localnet.rpc_url,
            self.manifest_path,
        )
        self.config.write_text(self.text)

    def rewrite(self, old: str, new: str) -> None:
        assert old in self.text
        self.config.write_text(self.text.replace(old, new, 1))

    def sources(self) -> Sources:
        return Sources(NAME, self.config)

    @contextmanager
    def session(self) -> Iterator[Session]:
        with open_session(self.sources(), {}) as session:
            yield session

    def nonce(self) -> int:
        return self.localnet.chain.nonce(self.inputs.deployer)

    def sender(self, at_most: int) -> Any:
        """Send what a step asks for, ``at_most`` times; then stop as a killed run does."""
        left = [at_most]

        def send(step: Step, transaction: Transaction) -> Sent:
            if not left[0]:
                raise StoppedError
            left[0] -= 1
            rpc = self.localnet.chain.rpc
            fields = {"from": self.inputs.deployer, "to": transaction.to, "data": transaction.data}
            hash_ = rpc.request("eth_sendTransaction", fields | {"value": hex(transaction.value)})
            while (receipt := rpc.request("eth_getTransactionReceipt", hash_)) is None:
                time.sleep(0.005)
            assert receipt["status"] == "0x1", step.title
            return Sent(hash_, int(receipt["gasUsed"], 16), int(receipt["blockNumber"], 16))

        return send


def dying_node(
    port: int, upstream: int, requests: int, method: str = "eth_sendTransaction"
) -> AbstractContextManager[str]:
    """A node that answers until it has taken so many requests of one method, and then nobody any more."""
    taken = [0]

    def pass_on(body: bytes) -> bytes | None:
        taken[0] += body.count(f'"{method}"'.encode())
        return None if taken[0] > requests else body

    return node_between(port, upstream, pass_on)


@contextmanager
def node_between(port: int, upstream: int, pass_on: Callable[[bytes], bytes | None]) -> Iterator[str]:
    """A node in front of another, which gets what ``pass_on`` makes of a request; None hangs up on who asked."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = pass_on(self.rfile.read(int(self.headers["Content-Length"])))
            if body is None:
                self.close_connection = True
                return
            connection = http.client.HTTPConnection("127.0.0.1", upstream)
            connection.request("POST", "/", body, {"Content-Type": "application/json"})
            answer = connection.getresponse().read()
            connection.close()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

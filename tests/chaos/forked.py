"""Keepers in processes of their own, forked from one that has loaded everything: see zygote.py."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agent.chain.config import MANIFEST_PATH_VARIABLE, RPC_URLS_VARIABLE
from agent.ledger.config import LEDGER_URL_VARIABLE
from tests.support.keeper_world import KeeperWorld

TESTS = Path(__file__).resolve().parent.parent


class Zygote:
    """The process that forks keepers."""

    def __init__(self, world: KeeperWorld) -> None:
        self._world = world
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("zygote.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PYTHONPATH": f"{TESTS}:{TESTS.parent}", "PATH": os.defpath},
            text=True,
        )
        assert self._ask({"book": str(world.book_path), "now_unix": world.now()}) == "ready\n"

    def keeper(
        self,
        kill_index: int | None = None,
        kill_after: bool = False,
        rpc_urls: Sequence[str] = (),
        **order: Any,
    ) -> dict[str, Any]:
        """Run one keeper until it holds, or a signal ends or stops it; a negative exit code is the signal."""
        whole = {
            "book": str(self._world.book_path),
            "now_unix": self._world.now(),
            "kill_index": kill_index,
            "kill_after": kill_after,
            "environment": {
                RPC_URLS_VARIABLE: ",".join(rpc_urls or (self._world.localnet.rpc_url,)),
                LEDGER_URL_VARIABLE: self._world.ledger_url(),
                MANIFEST_PATH_VARIABLE: str(self._world.directory / "deployment.json"),
            },
            **order,
        }
        return json.loads(self._ask(whole))

    def wake(self) -> dict[str, Any]:
        """Let the keeper that has stopped itself go on."""
        return json.loads(self._ask({"wake": True}))

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(timeout=10)
        self._process.stdout.close()

    def __enter__(self) -> Zygote:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, order: dict[str, Any]) -> str:
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline()

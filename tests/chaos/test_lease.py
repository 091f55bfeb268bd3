"""Two keepers as two processes: one is stopped or killed, the other takes over, the first sends nothing more."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import func, select

from agent.ledger import schema
from agent.ledger.config import USUAL_TERMS
from agent.ledger.engines import open_engine
from agent.settings import config_path, load_settings
from tests.support.ledger_keeper import ASKED

REPOSITORY = Path(__file__).resolve().parents[2]
MOST_FAIL_OVER_SECONDS = 30
LEASE_SECONDS = "1"


class KeeperProcess:
    """One keeper of its own process; ``says`` reads its next line."""

    def __init__(self, url: str, point: str, lease_seconds: str = LEASE_SECONDS) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.ledger_keeper", url, lease_seconds, point],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def says(self, asked: bool = False) -> str:
        """Return the next line, passing over those that say it asked in vain unless they are wanted."""
        words = ASKED
        while words == ASKED:
            words = self.process.stdout.readline().strip()
            if asked:
                break
        return words

    def wait_until_stopped(self) -> None:
        _, status = os.waitpid(self.process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), status

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def start(ledger_url: str):
    started: list[KeeperProcess] = []

    def begin(point: str, lease_seconds: str = LEASE_SECONDS) -> KeeperProcess:
        started.append(KeeperProcess(ledger_url, point, lease_seconds))
        return started[-1]

    yield begin
    for keeper in started:
        keeper.close()


def test_keeper__undisturbed__broadcasts(start):
    keeper = start("nowhere")
    assert [keeper.says(), keeper.says()] == ["holding", "broadcast"]


@pytest.mark.parametrize(("point", "found_open"), [("before the commit", "open []"), ("after the commit", "open [1]")])
def test_keeper__stopped_while_another_takes_over__writes_and_sends_nothing(ledger_url, start, point, found_open):
    stopped = start(point)
    assert stopped.says() == "holding"
    stopped.wait_until_stopped()
    successor = start("standby")
    assert [successor.says(), successor.says()] == ["holding", found_open]
    stopped.send(signal.SIGCONT)
    assert "another keeper" in stopped.says().removeprefix("refused: ")
    engine = open_engine(ledger_url)
    with engine.connect() as connection:
        signed = connection.execute(select(func.count()).select_from(schema.transactions)).scalar_one()
    engine.dispose()
    assert f"open {[signed] if signed else []}" == found_open


def test_keeper__stopped_inside_its_commit__is_undone_by_the_server(postgresql):
    stopped = KeeperProcess(postgresql.fresh_database(), "inside the commit")
    try:
        assert stopped.says() == "holding"
        stopped.wait_until_stopped()
        successor = KeeperProcess(postgresql.database_url, "standby")
        try:
            assert [successor.says(), successor.says()] == ["holding", "open []"]
            stopped.send(signal.SIGCONT)
            assert stopped.says().startswith("refused: ")
        finally:
            successor.close()
    finally:
        stopped.close()


def test_keeper__killed__is_replaced_though_its_lease_would_last_for_an_hour(start):
    killed = start("after the commit", lease_seconds="300")
    assert killed.says() == "holding"
    killed.wait_until_stopped()
    killed.send(signal.SIGKILL)
    successor = start("standby")
    assert [successor.says(), successor.says()] == ["holding", "open [1]"]


def test_keeper__holder_at_work__does_not_replace_it(start):
    holder = start("nowhere", lease_seconds="300")
    assert [holder.says(), holder.says(), holder.says()] == ["holding", "broadcast", "waiting"]
    waiting = start("standby")
    assert [waiting.says(asked=True) for _ in range(5)] == [ASKED] * 5
    holder.close()
    assert [waiting.says(), waiting.says()] == ["holding", "open [1]"]


def test_fail_over__terms_of_every_configuration__take_less_than_half_a_minute(repository):
    networks = sorted(path.stem for path in (repository / "config").glob("*.toml"))
    for terms in (USUAL_TERMS, *(load_settings(config_path(network), {}).ledger for network in networks)):
        assert terms.lease_seconds + terms.standby_poll_seconds < MOST_FAIL_OVER_SECONDS

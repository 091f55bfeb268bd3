from __future__ import annotations

import os
import subprocess
import sys

import pytest

from agent.localnet.anvil import process_fingerprint, stop_process


@pytest.fixture
def child():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


def test_process_fingerprint__this_process__stable():
    assert process_fingerprint(os.getpid()) is not None
    assert process_fingerprint(os.getpid()) == process_fingerprint(os.getpid())


def test_process_fingerprint__ended_process__none(child):
    assert process_fingerprint(child.pid) is not None
    child.kill()
    child.wait()
    assert process_fingerprint(child.pid) is None


def test_process_fingerprint__ended_but_not_collected__none(child):
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert process_fingerprint(child.pid) is None


def test_stop_process__its_fingerprint__stopped(child):
    assert stop_process(child.pid, process_fingerprint(child.pid)) is True
    assert child.wait(5) != 0


def test_stop_process__another_process_took_the_id__left_alone(child):
    assert stop_process(child.pid, "not its fingerprint") is False
    assert child.poll() is None

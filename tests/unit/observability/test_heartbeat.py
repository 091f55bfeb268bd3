"""systemd is told what it waits for, and a loop that hangs is noticed once."""

from __future__ import annotations

import socket
import threading

from agent.observability.heartbeat import FIRST_BEAT_SECONDS, Heartbeat, ServiceManager, StartStandby, Watchdog

WAIT_SECONDS = 30


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_heartbeat__first_cycle__has_longer_than_the_others():
    clock = Clock()
    heartbeat = Heartbeat(5.0, clock)
    clock.seconds = FIRST_BEAT_SECONDS
    assert heartbeat.seconds_late == 0.0
    clock.seconds += 1.0
    assert heartbeat.seconds_late == 1.0
    heartbeat.beat()
    clock.seconds += 5.0
    assert heartbeat.seconds_late == 0.0
    clock.seconds += 2.0
    assert heartbeat.seconds_late == 2.0


def test_watchdog__loop_beats__tells_systemd_ready_alive_and_stopping(tmp_path):
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(path))
        systemd.settimeout(WAIT_SECONDS)
        manager = ServiceManager({"NOTIFY_SOCKET": str(path)})
        with Watchdog(Heartbeat(60.0), manager, lambda late: None, check_seconds=0.01):
            assert systemd.recv(64) == b"READY=1"
            assert systemd.recv(64) == b"WATCHDOG=1"
        said = systemd.recv(64)
        while said == b"WATCHDOG=1":
            said = systemd.recv(64)
        assert said == b"STOPPING=1"


def test_watchdog__loop_hangs__is_told_once_and_systemd_no_more(tmp_path):
    path, clock, hung = tmp_path / "notify", Clock(), threading.Event()
    lateness: list[float] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(path))
        systemd.setblocking(False)
        heartbeat = Heartbeat(5.0, clock)
        heartbeat.beat()
        clock.seconds = 8.0

        def on_hang(late: float) -> None:
            lateness.append(late)
            hung.set()

        with Watchdog(heartbeat, ServiceManager({"NOTIFY_SOCKET": str(path)}), on_hang, check_seconds=0.01):
            assert hung.wait(WAIT_SECONDS)
        assert lateness == [3.0]
        assert [systemd.recv(64), systemd.recv(64)] == [b"READY=1", b"STOPPING=1"]


def test_service_manager__none_or_gone__is_no_matter(tmp_path):
    ServiceManager({}).notify("READY=1")
    ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "nobody")}).notify("READY=1")


def test_start_standby__each_holder__is_said_once_and_systemd_gives_more_time(tmp_path):
    path, said, waited = tmp_path / "notify", [], []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(path))
        systemd.setblocking(False)
        standby = StartStandby(ServiceManager({"NOTIFY_SOCKET": str(path)}), said.append, waited.append)
        for holder in ("pid 1", "pid 1", "pid 2"):
            assert not standby.wait(2.5, f"in use by {holder}")
            assert systemd.recv(64) == b"EXTEND_TIMEOUT_USEC=62500000"
    assert said == ["in use by pid 1", "in use by pid 2"]
    assert waited == [2.5, 2.5, 2.5]

"""Where the cases of a study run: in this process, in processes of this machine, or on a Ray cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context

from agent.extras import extra
from agent.study.case import Case, Outcome, run

LOCAL_RAY = "local"
"""Address that starts Ray on this machine."""


def outcomes(cases: Sequence[Case], workers: int, ray_address: str | None = None) -> Iterator[Outcome]:
    """Replay cases and return their outcomes as they come; their order depends on the workers, they do not.

    Parameters
    ----------
    cases
        What to replay.
    workers
        Processes of this machine; 1 is this one. On Ray, the most cases under way at a time.
    ray_address
        ``local``, or the address of a cluster; None is no Ray.

    """
    if ray_address is not None:
        yield from _on_ray(cases, workers, ray_address)
    elif workers == 1 or len(cases) == 1:
        yield from map(run, cases)
    else:
        yield from _in_processes(cases, workers)


def _in_processes(cases: Sequence[Case], workers: int) -> Iterator[Outcome]:
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(run, case) for case in cases]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _on_ray(cases: Sequence[Case], workers: int, address: str) -> Iterator[Outcome]:
    with extra("scale", "Backtesting on a cluster"):
        import ray  # noqa: PLC0415 - takes seconds, and only this needs it
    ray.init(address=None if address == LOCAL_RAY else address, include_dashboard=False, log_to_driver=False)
    try:
        remote = ray.remote(run)
        waiting = list(cases)
        under_way = [remote.remote(waiting.pop(0)) for _ in range(min(workers, len(waiting)))]
        while under_way:
            (done,), under_way = ray.wait(under_way, num_returns=1)
            if waiting:
                under_way.append(remote.remote(waiting.pop(0)))
            yield ray.get(done)
    finally:
        ray.shutdown()

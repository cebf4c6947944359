"""Jobs spread over a Ray cluster: one that runs already, or one of this machine alone that ends with the benchmark."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from radarode.benchmark.engines.crew import POLL_S, STOP_S, Crew
from radarode.benchmark.engines.job import End, Task, do_task, one_line
from radarode.core.errors import InputError
from radarode.core.ray_cluster import connect_ray, last_line


class RayCrew(Crew):
    """Ray tasks, one per job.

    A job gets the same number of threads as on one machine: its share of the cores of the cluster, and of its GPUs.
    """

    def __init__(self, size: int) -> None:
        import ray

        self._release = connect_ray(size)
        cores = [int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"]]
        if sum(cores) < 1:
            self._release()
            raise InputError("the Ray cluster has no node with a CPU. Add one with `ray start --address=...`.")
        self.size = min(size, sum(cores))
        self.threads = threads_of(self.size, cores)
        gpus = ray.cluster_resources().get("GPU", 0.0)
        self._remote = ray.remote(do_task).options(
            name="radarode",
            num_cpus=self.threads,
            num_gpus=1 / math.ceil(self.size / gpus) if gpus >= 1 else 0,
            max_retries=0,
            runtime_env={"env_vars": {"OMP_NUM_THREADS": str(self.threads)}},
        )
        self._jobs: dict[Any, str] = {}

    def start(self, task: Task) -> None:
        """Submit the task; it waits in Ray's queue where other users of the cluster leave no room."""
        self._jobs[self._remote.remote(task)] = task.job.name

    def collect(self) -> list[tuple[str, End]]:
        """Wait for answers."""
        import ray

        ready, _ = ray.wait(list(self._jobs), num_returns=1, timeout=POLL_S)
        return [(self._jobs.pop(reference), _end_of(reference)) for reference in ready]

    def stop(self) -> None:
        """Interrupt the jobs under way, as Ctrl-C would; after `STOP_S` kill them."""
        import ray
        from ray.exceptions import RayError

        try:
            for force, seconds in ((False, STOP_S), (True, POLL_S)):
                left = list(self._jobs)
                for reference in left:
                    with suppress(RayError, ValueError):
                        ray.cancel(reference, force=force)
                if left:
                    done, _ = ray.wait(left, num_returns=len(left), timeout=seconds)
                    self._jobs = {one: name for one, name in self._jobs.items() if one not in done}
        finally:
            self._jobs.clear()
            self._release()


def _end_of(reference: Any) -> End:
    import ray
    from ray.exceptions import RayError, RayTaskError

    try:
        return ray.get(reference)
    except RayTaskError as error:
        return End("failed", one_line(error.cause) if isinstance(error.cause, Exception) else last_line(str(error)))
    except (RayError, KeyboardInterrupt) as error:
        return End("lost", f"its worker ended: {type(error).__name__}")


def threads_of(size: int, cores: Sequence[int]) -> int:
    """Return the largest number of threads with which so many jobs run at a time.

    Args:
        size: jobs at a time, at most as many as there are cores.
        cores: of each machine.

    Example:
        >>> threads_of(2, [16, 4]), threads_of(4, [16, 4]), threads_of(1, [2]), threads_of(3, [2, 1])
        (8, 4, 2, 1)
    """
    return max((n for n in range(1, max(cores) + 1) if sum(core // n for core in cores) >= size), default=1)

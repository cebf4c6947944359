"""Engines: the same jobs leave the same bytes wherever they run; a killed worker and Ctrl-C lose nothing."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from radarode.benchmark import engines
from radarode.benchmark.engines import make_crew, slurm
from radarode.benchmark.engines.job import Task, do_task
from radarode.benchmark.engines.ray import threads_of
from radarode.benchmark.engines.slurm import read_options
from radarode.benchmark.jobs import Job, Outcome, finished_results, run_jobs
from radarode.benchmark.tables import Column, write_tables
from radarode.core.errors import InputError, WorkInterruptedError
from radarode.core.ray_cluster import LOOPBACK

SCRIPT = """
import sys, time
from radarode.benchmark.jobs import Job, run_jobs
from radarode.core.errors import WorkInterruptedError

def count(payload, folder):
    from radarode.train.interrupt import interrupt_flag
    start = int((folder / "kept").read_text()) if (folder / "kept").exists() else 0
    with interrupt_flag() as flag:
        (folder / "began").touch()
        for step in range(start, payload["steps"]):
            time.sleep(0.05)
            if flag.raised:
                (folder / "kept").write_text(str(step + 1))
                raise WorkInterruptedError("stopped in order")
    return {"started_at": start}

if __name__ == "__main__":
    try:
        print(run_jobs([Job("long", count, {"steps": int(sys.argv[2])})], sys.argv[1], engine=sys.argv[3]).results)
    except WorkInterruptedError as error:
        print("interrupted:", error)
"""


MICRO = """
seeds: [1]
cohort: {trials_per_person: 1, persons: 4, duration_s: 16, channels: 2, snr_db: 12.0}
experiment:
  data: {batch_channels: [1, 2], folds: 4, validation: 0.3, split_seed: 1}
  model: {preset: tiny}
  train: {batch: 4, epochs: 2, steps_per_epoch: 2, warmup_steps: 1, track_gradients: 1, threads: 1}
"""


def score(payload: dict[str, Any], folder: Path) -> dict[str, Any]:
    values = np.random.default_rng(payload["seed"]).normal(size=(64, 64))
    print("seed", payload["seed"], flush=True)  # noqa: T201
    os.system("echo a child speaks")
    value = float(np.linalg.norm(values, "nuc")) * payload["factor"]
    return {"method": payload["method"], "seed": payload["seed"], "error": value}


def threads_used(payload: dict[str, Any], folder: Path) -> dict[str, Any]:
    import torch

    return {"torch": torch.get_num_threads(), "omp": os.environ["OMP_NUM_THREADS"]}


def fail(payload: dict[str, Any], folder: Path) -> dict[str, Any]:
    raise ZeroDivisionError("nothing to divide")


def die(payload: dict[str, Any], folder: Path) -> dict[str, Any]:
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def wait_for_death_once(payload: dict[str, Any], folder: Path) -> dict[str, Any]:
    if not (folder / "pid").exists():
        (folder / "pid.new").write_text(str(os.getpid()))
        (folder / "pid.new").rename(folder / "pid")
        time.sleep(120)
    return {"first": int((folder / "pid").read_text()), "second": os.getpid()}


def wait_to_be_told(payload: dict[str, Any], folder: Path) -> dict[str, Any]:
    from radarode.train.interrupt import interrupt_flag

    with interrupt_flag() as flag:
        (folder / "began").touch()
        while not flag.raised:
            time.sleep(0.05)
    (folder / "kept").touch()
    raise WorkInterruptedError("stopped in order")


def unmark(payload: dict[str, Any], folder: Path) -> dict[str, Any]:
    for path in folder.parent.glob(".shared-*"):
        path.unlink()
    return {}


def grid() -> list[Job]:
    return [
        Job(f"{method}-{seed}", score, {"method": method, "seed": seed, "factor": factor})
        for method, factor in (("Equal Weight", 1.0), ("UW", 1 / 3))
        for seed in (1, 2)
    ]


def tables_of(outcome: Outcome, folder: Path) -> None:
    rows = []
    for method in ("Equal Weight", "UW"):
        values = [result["error"] for result in outcome.results.values() if result["method"] == method]
        rows.append({"method": method, "error": (float(np.mean(values)), float(np.std(values, ddof=1)))})
    columns = [Column("error", "Error", 9, better="lower")]
    write_tables(folder, "Simulated errors", columns, rows, ["Simulated data."], data="simulated")


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """Keep one Ray cluster for all tests of this file; the engine uses one that it finds connected."""
    from radarode.core.ray_cluster import own_cluster

    release = own_cluster(2)
    yield
    release()


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_tables_of_ray_are_those_of_local_processes_byte_by_byte(cluster: None, tmp_path: Path) -> None:
    for engine in ("local", "ray"):
        outcome = run_jobs(grid(), tmp_path / engine, processes=2, engine=engine)
        assert not outcome.failures
        tables_of(outcome, tmp_path / engine)
    local, ray = files_of(tmp_path / "local"), files_of(tmp_path / "ray")
    assert {"results.csv", "table.html", "table.tex", "runs/UW-2/result.json", "runs/UW-2/log.txt"} <= set(local)
    assert ray == local
    assert local["runs/UW-2/log.txt"] == b"seed 2\na child speaks\n"


def test_threads_are_those_of_local_processes(cluster: None, tmp_path: Path) -> None:
    threads = max(1, (os.cpu_count() or 1) // 2)
    for engine in ("local", "ray"):
        crew = make_crew(engine, tmp_path, 2)
        assert (crew.size, crew.threads) == (2, threads), engine
        crew.stop()
    outcome = run_jobs([Job("threads", threads_used, {})], tmp_path / "r", engine="ray")
    both = os.cpu_count() or 1  # a single job has them all
    assert outcome.results["threads"] == {"torch": both, "omp": str(both)}


@pytest.mark.parametrize(("first", "then"), [("local", "ray"), ("ray", "local")])
def test_one_engine_goes_on_where_another_stopped(cluster: None, tmp_path: Path, first: str, then: str) -> None:
    run_jobs(grid()[:2], tmp_path / "r", engine=first, config=1)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("r/runs/*/*")}
    outcome = run_jobs(grid(), tmp_path / "r", processes=2, engine=then, config=1)
    assert list(outcome.results) == [job.name for job in grid()]
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert not list(tmp_path.glob("r/runs/.shared-*"))


def test_failures_and_deaths_on_ray_leave_the_others(cluster: None, tmp_path: Path) -> None:
    folder = tmp_path / "r"
    mixed = [Job("bad", fail, {}), Job("dead", die, {}), *grid()[:1]]
    outcome = run_jobs(mixed, folder, processes=2, engine="ray")
    assert list(outcome.results) == ["Equal Weight-1"]
    log = folder / "runs/bad/log.txt"
    assert outcome.failures["bad"] == f"run bad failed: ZeroDivisionError: nothing to divide (log: {log})"
    assert "Traceback" in log.read_text()
    assert "its worker ended: WorkerCrashedError, twice" in outcome.failures["dead"]
    assert (folder / "runs/dead/log.txt").read_text().count("the job is tried again") == 1
    assert sorted(finished_results(folder)) == ["Equal Weight-1"]


@pytest.mark.parametrize("engine", ["local", "ray"])
def test_a_worker_that_is_killed_mid_run_costs_nothing(cluster: None, tmp_path: Path, engine: str) -> None:
    pid = tmp_path / "r/runs/victim/pid"
    killer = threading.Thread(target=kill_when_written, args=(pid,))
    killer.start()
    jobs = [Job("victim", wait_for_death_once, {}), *grid()]
    outcome = run_jobs(jobs, tmp_path / "r", processes=2, engine=engine)
    killer.join()
    assert outcome.failures == {}
    assert list(outcome.results) == [job.name for job in jobs]
    assert outcome.results["victim"]["first"] != outcome.results["victim"]["second"]
    assert "the job is tried again" in (tmp_path / "r/runs/victim/log.txt").read_text()


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def kill_when_written(pid: Path) -> None:
    wait_until(pid.is_file)
    os.kill(int(pid.read_text()), signal.SIGKILL)


@pytest.mark.parametrize("engine", ["local", "ray"])
def test_a_worker_that_does_not_see_the_folder_is_told_in_one_line(cluster: None, tmp_path: Path, engine: str) -> None:
    with pytest.raises(InputError, match=r"a worker on \S+ cannot see the result folder .*/r\. Choose one on a file"):
        run_jobs([Job("first", unmark, {}), *grid()], tmp_path / "r", engine=engine)
    assert sorted(finished_results(tmp_path / "r")) == ["first"]


def test_a_folder_that_cannot_be_written_fails_the_job_alone(tmp_path: Path) -> None:
    (tmp_path / "runs/job/.lock").mkdir(parents=True)  # opening it for writing fails, for root too
    (tmp_path / "runs/mark").touch()
    end = do_task(Task(Job("job", fail, {}), str(tmp_path / "runs/job"), "mark", 1))
    assert end.kind == "failed"
    assert end.text.startswith("IsADirectoryError")


def test_the_cluster_of_this_machine_listens_to_nobody_else(cluster: None) -> None:
    ours = {link for pid in _descendants(os.getpid()) for link in _sockets(pid)}
    listening = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            cells = line.split()
            if cells[3] == "0A" and f"socket:[{cells[9]}]" in ours:
                listening.append(cells[1].rsplit(":", 1)[0])
    loopback = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}
    assert len(listening) >= 3
    assert set(listening) <= loopback


def _descendants(pid: int) -> set[int]:
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rsplit(")", 1)[1].split()[1])
        except OSError:  # it ended
            continue
    found = {pid}
    while True:
        more = {child for child, parent in parents.items() if parent in found} - found
        if not more:
            return found
        found |= more


def _sockets(pid: int) -> set[str]:
    links = set()
    for path in Path(f"/proc/{pid}/fd").glob("*"):
        try:
            links.add(os.readlink(path))
        except OSError:
            continue
    return links


@pytest.mark.parametrize("own", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_ctrl_c_on_ray_keeps_a_checkpoint_and_leaves_no_cluster(cluster: None, tmp_path: Path, own: bool) -> None:
    import ray

    to_join = {"RAY_ADDRESS": ray.get_runtime_context().gcs_address, **LOOPBACK}
    script, results = tmp_path / "script.py", tmp_path / "r"
    script.write_text(SCRIPT)
    before = set(Path("/tmp").glob("rr-*"))
    process = subprocess.Popen(
        [sys.executable, str(script), str(results), "2000", "ray"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, **({"RAY_ADDRESS": "local"} if own else to_join)},
    )  # fmt: skip
    wait_until((results / "runs/long/began").is_file)
    os.killpg(process.pid, signal.SIGINT)  # to the whole group, as a terminal sends it
    output, errors = process.communicate(timeout=60)
    assert output.strip() == "interrupted: stopped with 0 of 1 runs done; the same command goes on.", errors
    assert "Traceback" not in errors
    assert set(Path("/tmp").glob("rr-*")) <= before
    kept = int((results / "runs/long/kept").read_text())
    command = [sys.executable, str(script), str(results), str(kept + 1), "local"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == str({"long": {"started_at": kept}})


def test_a_cluster_that_does_not_answer_is_one_line() -> None:
    code = "from radarode.benchmark.engines import make_crew; make_crew('ray', None, 1)"
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, timeout=60, env={**os.environ, "RAY_ADDRESS": f"127.0.0.1:{port}"},
    )  # fmt: skip
    assert f"InputError: engine ray cannot reach the Ray cluster at 127.0.0.1:{port}: " in done.stderr
    assert done.returncode == 1


def test_batch_jobs_go_on_where_local_processes_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slurm, "CLUSTER", "local")
    run_jobs(grid()[:3], tmp_path / "r", processes=2)
    run_jobs(grid()[:3], tmp_path / "local", processes=2)
    outcome = run_jobs([*grid(), Job("bad", fail, {})], tmp_path / "r", processes=2, engine="slurm")
    assert list(outcome.results) == [job.name for job in grid()]
    assert outcome.failures["bad"].startswith("run bad failed: ZeroDivisionError: nothing to divide (log: ")
    assert (tmp_path / "r/runs/UW-2/log.txt").read_text() == "seed 2\na child speaks\n"
    alone = run_jobs(grid(), tmp_path / "local", processes=1)
    assert outcome.results == alone.results


@pytest.fixture
def fake_slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put commands of Slurm's names into the path that run a batch script as a background process."""
    folder = tmp_path / "bin"
    folder.mkdir()
    names = ("JOB_ID=$$", "NTASKS=1", "JOB_NUM_NODES=1", "NODEID=0", "PROCID=0", "LOCALID=0", "JOB_NODELIST=here")
    exports = " ".join(f"SLURM_{name}" for name in names)
    scripts = {
        "sbatch": f'setsid bash -c \'export {exports}; . "$0"\' "$1" >/dev/null 2>&1 & echo "Submitted batch job $!"',
        "srun": f'while [ "$1" != "{sys.executable}" ]; do shift; done; exec "$@"',
        "scancel": 'kill -TERM -- "-$1"',
        "sacct": "echo 'JobID|State|NodeList'",
    }
    for name, text in scripts.items():
        (folder / name).write_text(f"#!/bin/bash\n{text}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


def test_slurm_gets_the_options_of_the_environment(
    fake_slurm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RADARODE_SBATCH", "partition=short cpus-per-task=1")
    outcome = run_jobs([Job("threads", threads_used, {})], tmp_path / "r", engine="slurm")
    assert outcome.failures == {}
    assert outcome.results["threads"] == {"torch": 1, "omp": "1"}
    lines = next((tmp_path / "r/slurm").glob("*.sh")).read_text().splitlines()
    for option in ("--partition=short", "--cpus-per-task=1", "--time=24:00:00"):
        assert f"#SBATCH {option}" in lines


def test_cancelled_batch_jobs_keep_a_checkpoint(fake_slurm: Path, tmp_path: Path) -> None:
    folder = tmp_path / "r/runs/long"
    folder.mkdir(parents=True)
    (folder.parent / "mark").touch()
    crew = make_crew("slurm", tmp_path / "r", 1)
    crew.start(Task(Job("long", wait_to_be_told, {}), str(folder), "mark", 1))
    wait_until(lambda: (folder / "began").is_file())
    crew.stop()
    assert (folder / "kept").is_file()


def test_an_engine_that_cannot_be_had_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"unknown engine 'slrum'\. Did you mean `slurm`\?"):
        run_jobs([], tmp_path / "r", engine="slrum")
    monkeypatch.setattr(engines, "find_spec", lambda name: None)
    for engine, package in (("ray", "ray"), ("slurm", "submitit")):
        line = f"engine {engine} needs the package `{package}`: pip install radarode[{engine}]."
        with pytest.raises(InputError, match=re.escape(line)):
            run_jobs(grid(), tmp_path / "r", engine=engine)
    assert not (tmp_path / "r").exists()
    monkeypatch.undo()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="there is no `srun` here"):
        run_jobs(grid(), tmp_path / "r", engine="slurm")


@pytest.mark.parametrize("text", ["partition", "=gpu", "cpus-per-task=0", "cpus-per-task=many", "time="])
def test_bad_options_of_sbatch_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="RADARODE_SBATCH"):
        read_options(text)


def test_threads_fill_the_machines_and_no_job_has_to_wait() -> None:
    for cores in ([2], [16, 4], [8, 8, 8], [1, 64]):
        for size in range(1, sum(cores) + 1):
            threads = threads_of(size, cores)
            assert sum(core // threads for core in cores) >= size
            assert threads == max(cores) or sum(core // (threads + 1) for core in cores) < size


@pytest.mark.slow
def test_a_benchmark_ends_in_the_same_files_on_ray(cluster: None, tmp_path: Path) -> None:
    from radarode.cli._benchmark_strategies import strategies

    config = tmp_path / "micro.yaml"
    config.write_text(MICRO)
    for engine in ("local", "ray"):
        with chdir(tmp_path):
            out = tmp_path / "r"
            assert strategies(out, config=config, methods=["equal"], processes=2, engine=engine) == 0
            out.rename(tmp_path / engine)
    local, ray = files_of(tmp_path / "local"), files_of(tmp_path / "ray")
    tables = [name for name in local if Path(name).suffix in (".csv", ".html", ".tex")]
    assert len(tables) >= 10
    for name in [*tables, *(name for name in local if name.endswith((".safetensors", ".h5")))]:
        assert ray[name] == local[name], name

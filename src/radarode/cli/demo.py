"""`radarode demo`: from a simulated person to a scored ECG with report and exports, in one command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

DEMO_SEED = 20_001
DEMO_MINUTES = 2.0
DEMO_SNR_DB = 6.0


def demo(
    *,
    out: Annotated[Path, Parameter(help="Folder to create.")] = Path("demo-out"),
    seed: Annotated[int, Parameter(help="Which virtual person.")] = DEMO_SEED,
    overwrite: Annotated[bool, Parameter(help="Replace an existing folder.", negative="")] = False,
) -> None:
    """Simulate a person the weights never saw, reconstruct the ECG from noisy motion, evaluate, export and report."""
    import numpy as np
    from rich.console import Console

    from radarode.cli._progress import working
    from radarode.cli._tables import score_table
    from radarode.core.allocator import keep_freed_memory
    from radarode.core.files import new_folder, refuse_existing
    from radarode.core.notice import NOTICE
    from radarode.data.native import save_recording
    from radarode.evaluation import evaluate
    from radarode.export import write_all
    from radarode.frameworks import load_framework
    from radarode.report.page import ReportCase, write_report
    from radarode.report.strip import plot_reconstruction
    from radarode.simulate import Conditions, person_of, simulate_recording

    refuse_existing(out, overwrite=overwrite)
    keep_freed_memory()
    console = Console(soft_wrap=True, highlight=False)
    with working("simulating one person"):
        conditions = Conditions(snr_db=DEMO_SNR_DB)
        rng = np.random.default_rng([seed, 1])
        recording = simulate_recording(person_of(seed, 0), 60.0 * DEMO_MINUTES, "NB", rng, conditions)
    with working("reconstructing the ECG"):
        ecg = load_framework().reconstruct(recording)
        scores = evaluate(ecg, recording)
    with working("writing"), new_folder(out, overwrite=overwrite) as folder:
        save_recording(folder / "recording.h5", recording)
        write_all(folder, "ecg", ecg)
        plot_reconstruction(folder / "ecg.png", ecg, recording)
        write_report(folder, [ReportCase(recording, ecg, scores)])
    title = f"One SIMULATED person, {DEMO_MINUTES:.0f} min, {recording.n_channels} channels at {DEMO_SNR_DB:.0f} dB"
    console.print(score_table(scores, title))
    console.print(NOTICE)
    console.print(
        f"\nlook at  {out / 'ecg.png'} and {out / 'report.html'}\n"
        f"exports  {out / 'ecg.hea'} (WFDB), {out / 'ecg.edf'}, {out / 'ecg.csv'}\n"
        f"motion   {out / 'recording.h5'}"
    )

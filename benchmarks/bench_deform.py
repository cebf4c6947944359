"""Time the deformable convolution against a plain 3x3 convolution of the same shape, forward and backward, batch 8.

    python benchmarks/bench_deform.py

Prints one `name: value` per line, medians of 7, alternating, two threads, the four stages of the `paper` preset:

    deform_ratio_CHANNELSxROWSxFRAMES     deformable over plain
    deform_vs_grid_sample_...             the same by PyTorch's grid_sample over ours
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable

REPEATS = 7
BATCH = 8


def main() -> None:
    """Time all stages."""
    import torch
    from torch import Tensor, nn

    from radarode.core.allocator import keep_freed_memory
    from radarode.models.blocks import Backbone
    from radarode.models.config import PRESETS
    from radarode.models.deform import DeformConv2d, _by_grid_sample

    keep_freed_memory()
    torch.set_num_threads(2)
    config = PRESETS["paper"]
    trunk = Backbone(50, config.rows, config.frames, config).eval()
    shapes: list[tuple[int, ...]] = []
    for block in trunk.blocks:
        block.register_forward_pre_hook(lambda _, inputs: shapes.append(tuple(inputs[0].shape[1:])))
    with torch.no_grad():
        trunk(torch.zeros(1, 50, config.rows, config.frames))
    for shape in shapes:
        channels = shape[0]
        deform = DeformConv2d(channels, channels)
        nn.init.normal_(deform.control.bias, std=0.5)
        plain = nn.Conv2d(channels, channels, 3, padding=1, bias=False)

        def by_grid_sample(x: Tensor, deform: DeformConv2d = deform) -> Tensor:
            control = deform.control(x)
            return _by_grid_sample(x, control[:, :18], torch.sigmoid(control[:, 18:]), deform.weight)

        ways: dict[str, Callable[[Tensor], Tensor]] = {"ours": deform, "plain": plain, "grid": by_grid_sample}
        times: dict[str, list[float]] = {name: [] for name in ways}
        cotangent = torch.randn(BATCH, *shape)
        for _ in range(REPEATS + 1):
            for name, apply in ways.items():
                x = torch.randn(BATCH, *shape, requires_grad=True)
                start = time.perf_counter()
                apply(x).backward(cotangent)
                times[name].append(time.perf_counter() - start)
        median = {name: statistics.median(values[1:]) for name, values in times.items()}
        label = "x".join(map(str, shape))
        print(f"deform_ratio_{label}: {median['ours'] / median['plain']:.2f}")
        print(f"deform_vs_grid_sample_{label}: {median['grid'] / median['ours']:.1f}", flush=True)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    main()

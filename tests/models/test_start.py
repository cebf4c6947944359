from __future__ import annotations

import subprocess
import sys

import torch

from radarode.models.start import fill_normal


def test_draws_have_the_deviation_and_follow_the_seed() -> None:
    torch.manual_seed(1)
    first = fill_normal(torch.empty(100, 100), std=0.3)
    torch.manual_seed(1)
    assert torch.equal(first, torch.randn(100, 100) * 0.3)
    assert abs(first.std().item() - 0.3) < 0.01


def test_loading_weights_does_not_import_a_compiler() -> None:
    program = "import sys, radarode.frameworks as f; f.load_framework('default'); print('sympy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"

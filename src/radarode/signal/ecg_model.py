"""Constants of the McSharry ECG model that the simulator and the ODE decoder share.

Reference: McSharry, Clifford, Tarassenko, Smith, "A dynamical model for generating synthetic
electrocardiogram signals", IEEE TBME 50(3), 2003; the values are those of the radarODE papers
(arXiv 2408.01672, arXiv 2410.08656).
"""

import numpy as np

WAVES = ("P", "Q", "R", "S", "T")
DEFAULT_AMPLITUDE = np.array([5.0, -100.0, 480.0, -120.0, 8.0])
DEFAULT_WIDTH_RAD = np.array([0.25, 0.1, 0.1, 0.1, 0.4])
DEFAULT_ANGLE_RAD = np.deg2rad([-15.0, 25.0, 40.0, 60.0, 135.0])

START = (-0.41775, -0.90856, -0.00455)
PERIOD_S = 1.0011

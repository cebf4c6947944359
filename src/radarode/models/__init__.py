"""Networks: radarODE-MTL, its presets, and how trained weights are kept."""

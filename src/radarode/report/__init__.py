"""Draw reconstructions and write the evaluation report (matplotlib's object interface, no global figures)."""

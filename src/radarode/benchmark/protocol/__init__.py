"""All benchmarks of frameworks on MMECG: every person tested once, by networks trained on the others."""

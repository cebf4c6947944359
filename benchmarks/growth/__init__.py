"""How cost grows: the parts of `bench_growth.py`."""

"""What the benchmarks of frameworks share: recordings, trained networks, and the order in which things are done."""

"""Live streams: sources of motion in, an ECG with bounded latency and memory out, sinks behind it."""

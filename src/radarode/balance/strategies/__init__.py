"""One multi-task strategy per file; the file name is the strategy's name."""

"""Domain types, argument checks and the few rules that every layer shares."""

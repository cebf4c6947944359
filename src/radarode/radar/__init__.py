"""From the raw samples of a radar to the motion of the chest."""

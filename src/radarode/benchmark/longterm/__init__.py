"""The frameworks over whole recordings: shape, beats, heart rate and peaks, and what noise does to one recording."""

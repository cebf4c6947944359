"""The live monitor: a web page over streams, for one person at a screen or a ward of them."""

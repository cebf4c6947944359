"""The frameworks under constant and abrupt noise: the form of Tables IV and V of arXiv 2410.08656."""

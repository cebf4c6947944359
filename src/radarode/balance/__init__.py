"""Multi-task strategies: how the losses of several tasks become one update of the shared parameters.

A strategy is one file in `strategies/`; the engine in `engine.py` computes what it asks for and writes `.grad`.
"""

from radarode.balance.engine import BalanceReport, balanced_backward
from radarode.balance.registry import make_strategy, strategy_names
from radarode.balance.strategy import Strategy

__all__ = ["BalanceReport", "Strategy", "balanced_backward", "make_strategy", "strategy_names"]

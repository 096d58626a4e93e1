"""Measure speed on this machine: training, asks, pruning and the law, beside alternatives."""

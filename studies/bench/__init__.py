"""Speed on this machine: training, asks, pruning and the law, each beside its alternatives."""

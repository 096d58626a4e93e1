"""Speed on this machine: of training, of an ask and of the law, each beside its alternatives."""

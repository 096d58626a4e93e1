"""Families of small tasks, trained at many learning rates: what priors are estimated from."""

"""Predict loss curves along schedules that the loss law has not seen."""

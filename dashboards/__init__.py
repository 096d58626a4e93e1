"""The ready-made pages of the studies."""

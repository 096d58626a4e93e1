"""What goes on the ready-made pages of the studies."""

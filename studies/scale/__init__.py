"""Many workers on one study: duplicates, kills and starts, counted."""

"""Questions and their versions."""

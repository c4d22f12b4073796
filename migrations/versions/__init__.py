"""One file a step, each with a way back."""

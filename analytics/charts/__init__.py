"""Charts: what a unit has done in a briefing, drawn over tables that say the same."""

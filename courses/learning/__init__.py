"""The player: learners take courses; statements say how far they came."""

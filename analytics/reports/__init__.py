"""Reports: the forms a unit sends upward, as pages and files, kept as they were and passed from level to level."""

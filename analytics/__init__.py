"""What is known: facts gathered from statements, shown by unit."""

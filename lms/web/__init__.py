"""What every page shares: the base template, menu, errors, wording of figures, and access closed by default."""

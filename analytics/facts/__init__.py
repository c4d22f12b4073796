"""Facts: small tables built from standings, shaped for questions."""

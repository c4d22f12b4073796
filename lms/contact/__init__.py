"""How one is reached: one's own address, telephone, language, and what one wants mail about."""

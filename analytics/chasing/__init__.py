"""Telling heads: one mail a day about what is open, and the level above when people stay overdue below."""

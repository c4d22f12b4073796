"""Sending on what is stored here to the record stores of others."""

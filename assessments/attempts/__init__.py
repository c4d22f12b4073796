"""Attempts at a test: start, save, submit, review."""

"""Reminding people of what is due: on chosen days, within hours, never twice the same."""

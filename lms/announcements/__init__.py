"""Announcements to the people of a unit and of those below it, shown on their first page."""

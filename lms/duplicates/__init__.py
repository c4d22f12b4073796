"""Two records that are one person: suggested, linked and unlinked, never destroyed."""

"""Who did what to what, and who looked at whose name. Written once, never changed."""

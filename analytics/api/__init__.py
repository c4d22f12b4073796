"""The read API: standings and tallies for other systems, by token, and the document that describes it."""

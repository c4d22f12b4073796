"""Where people belong: transfers of whole lists, concurrent posts and Party memberships, between two days."""

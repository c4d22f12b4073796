"""How often somebody may try a password, a code or a key: counted in the database, shared by all workers and hosts."""

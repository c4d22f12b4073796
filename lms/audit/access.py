"""Who may read the audit log: whoever holds the permission for every unit."""

READ = "audit:read"

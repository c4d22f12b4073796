"""Who has been briefed: the policy, each person's standing under it, and why."""

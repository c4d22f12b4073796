"""Every number of a dashboard opens: what it means, who is counted, how equals stand, course and points."""

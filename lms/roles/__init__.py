"""Who may do what: the table of permissions, roles granted by scope and dates, and seeing as another person sees."""

"""People by lists: what offices keep in spreadsheets, rehearsed before applied, and given back in the same shape."""

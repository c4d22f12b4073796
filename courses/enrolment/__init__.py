"""Who studies what, by when: courses assigned to units and all below them."""

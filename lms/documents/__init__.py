"""The resources of the record store that are not statements: state, profiles, activities and agents."""

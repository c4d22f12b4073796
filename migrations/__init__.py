"""The history of the schema. `lms init` applies it; nothing else makes a table."""

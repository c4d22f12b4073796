"""What is kept about a person: seen and taken along by themselves, put right or erased when they ask."""

"""What the head of a unit sees: has my unit been briefed?"""

"""Bài thu hoạch: set questions, written at leisure, handed in, read, accepted or to be written again."""

"""Tests: which questions a paper is drawn from, and how."""

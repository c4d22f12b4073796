"""Statements as files: written out in their exact bytes, and read in again by every rule."""

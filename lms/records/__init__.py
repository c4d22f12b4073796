"""The record store for people: who may speak to it, and what it holds."""

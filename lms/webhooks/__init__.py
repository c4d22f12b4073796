"""Telling other channels, such as a Zalo gateway, of what happens: signed messages, tried again and kept."""

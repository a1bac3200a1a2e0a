"""Moments that a user describes: an expression over samples on a grid, found and counted."""

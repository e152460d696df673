"""Runs trainings one after the other and reports on them."""

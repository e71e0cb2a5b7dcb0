"""Attacks: files made to harm whoever reads them, and what reading them does."""

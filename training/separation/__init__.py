"""Trains the small separator that is shipped: a voice apart from its backing, on mixes that are made here."""

"""Implementations of the ports: one set over AWS services, one over a folder and SQLite."""

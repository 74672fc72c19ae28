"""Reporting: rows become the workbook staff open and its machine twins (import the modules directly)."""

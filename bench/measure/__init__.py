"""What ``make bench`` measures, one module per group of figures; each has ``measure(work) -> dict`` of JSON values."""

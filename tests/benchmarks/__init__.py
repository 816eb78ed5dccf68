"""How fast c2b is against a raw ceiling, measured in the same run: `tests/run --bench`."""

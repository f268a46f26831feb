"""The house rules as tests: ranks, sizes, names, packages, public names."""

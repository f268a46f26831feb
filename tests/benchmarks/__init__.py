"""Scripts whose results lie in the repository."""

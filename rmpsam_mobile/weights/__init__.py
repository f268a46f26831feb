"""Trained weights that come with the package, each with its card; ``checkpoint.shipped_weights`` finds them."""

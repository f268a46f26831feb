"""From a model to a bundle: split, rewrite, capture, lower, write."""

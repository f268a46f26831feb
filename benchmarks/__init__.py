"""Measurements behind the figures in the texts: each file one command, each result stored in benchmarks/results."""

"""Tests of the way from logits to maps, instances and tracks."""

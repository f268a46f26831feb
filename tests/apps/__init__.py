"""The ladder of the sample apps: each rung proves a part of them without a phone."""

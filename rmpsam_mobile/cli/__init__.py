"""The command line: one verb a file. Nothing here imports torch at module level."""

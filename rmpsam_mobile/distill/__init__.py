"""Training: losses and, to come, the loop that distils a student. No export here."""

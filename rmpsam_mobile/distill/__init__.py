"""Training: losses, teachers, and the loop that distils a student. No export here."""

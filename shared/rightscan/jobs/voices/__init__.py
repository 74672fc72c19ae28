"""Whose voice it may be: listening in a scan, the vault's one reader, enrolment, withdrawal, what may still be said."""

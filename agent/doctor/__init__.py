"""Whether this machine, its endpoints and its vault are fit for a keeper; each failed check says how to mend it."""

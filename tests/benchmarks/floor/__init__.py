"""The floor: the least that could do the same work, without sign-in, permissions, counts, journal, ledger or outbox."""

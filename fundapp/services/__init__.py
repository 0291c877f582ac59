"""Use cases: a session and an actor come in as arguments; no HTTP."""

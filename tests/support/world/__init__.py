"""A tranche with everybody who works on it, on a real database, for tests that let them act in any order and at once.

Nothing here knows what should happen: an act is tried, and the product does it or refuses it. `checks` say what must
hold whatever was tried.
"""

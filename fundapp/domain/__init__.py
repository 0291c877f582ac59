"""The rules of the funds: pure Python, no database, no HTTP, no clock. Time and people are arguments."""

"""The outside world: mail, files, virus scanner, bank, documents. Each satisfies a Protocol of services/ports.py."""

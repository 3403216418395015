"""What snapshots/generate.py consists of."""

"""The modules of snapshots/generate.py."""

"""Ports: where packets come from and go to, one kind a file or folder."""

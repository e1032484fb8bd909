"""Packets: frames in memory, the interpreted packet, flows, checksums."""

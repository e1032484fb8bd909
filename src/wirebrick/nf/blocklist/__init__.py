"""blocklist: packets from or to listed prefixes are dropped."""

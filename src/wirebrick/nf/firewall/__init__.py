"""The firewall: an access list in front of a stream of packets."""

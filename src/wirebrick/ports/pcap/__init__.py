"""Captures: pcap and pcapng files as ports, and packets of Python lists by the same way."""

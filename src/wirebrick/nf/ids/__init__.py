"""ids: intrusion detection and prevention by Snort rules."""

"""dns: a filter for domain names."""

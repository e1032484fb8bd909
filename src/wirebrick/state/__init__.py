"""State objects: tables, arrays, counters; records, and the consistency between workers."""

"""Running a graph: the interpreter, plans, tracing, workers, reports."""

"""From the graph to the text of one fused function."""

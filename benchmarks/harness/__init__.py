"""What the experiments share: the C baselines, paired measuring, other processes, tables."""

"""Where jobs run: processes on this machine, jobs in SLURM's queue, weights on a node's own disk."""

"""What a study does and takes, known before anything runs: disk, memory, time, and what its jobs request.

Nothing here needs torch.
"""

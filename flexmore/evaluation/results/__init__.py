"""What an evaluation leaves on disk: the score cache, and the scores and answers of finished sweeps."""

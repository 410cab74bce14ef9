"""What leaves and what comes in: mixtures written for other software, experts and results of others read."""

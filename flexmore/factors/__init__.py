"""The factor store of an expert: factorized layer by layer, read by prefixes, measured at each rank."""

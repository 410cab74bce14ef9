"""The statistics that tables are computed with: means over scopes, gains, resampling, fits, tests."""

"""The report: figures and pages made from tables."""

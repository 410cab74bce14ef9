"""Steps that use what a study has measured, and steps that exchange models and results with other software."""

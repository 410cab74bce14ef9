"""The Hugging Face hub: repositories asked about, models and data sets downloaded; the one room with a network."""

"""Fine-tuning that any candidate kind can use; it records all that it did."""

"""What predicts rows, trained through a frozen network."""

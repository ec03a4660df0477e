"""What is wrong with a painting, in numbers: the loss network, content and style, and their units."""

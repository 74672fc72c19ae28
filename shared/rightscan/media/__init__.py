"""Media files: what a container says, what a file may ask for, and its sound as one stream of blocks."""

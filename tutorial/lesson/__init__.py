"""What an author writes: scripts cut into cells, what a cell needs, labs, the folders."""

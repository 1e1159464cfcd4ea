"""Running sections: the process that executes cells, what starts and stops it, progress."""

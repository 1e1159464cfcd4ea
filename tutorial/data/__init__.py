"""What snippets take from the network, where it comes from, and what stands in for it."""

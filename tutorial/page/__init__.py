"""What the Markdown of a page becomes: cells and their output, numbers, formulas, terms."""

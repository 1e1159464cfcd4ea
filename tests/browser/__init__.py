"""The site in a real browser. A package, so that its tests share one browser in each worker."""

"""The site as a whole: building it, checking it, its downloads, its preview, what changed in it."""

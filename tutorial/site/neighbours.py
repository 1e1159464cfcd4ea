"""A plugin of MkDocs for builds of some pages: their footers name pages that are not made."""

from mkdocs.plugins import BasePlugin


class Neighbours(BasePlugin):
    """Reads title and description of every page in the navigation."""

    def on_nav(self, nav, config, files):
        for page in nav.pages:
            page.read_source(config)

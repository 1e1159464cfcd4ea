"""The machinery of the site: cut scripts into cells, run them, keep records, show them on pages."""


class TutorialError(Exception):
    """Something the author or the machine got wrong; the message says where and what to do."""

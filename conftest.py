"""Test items for snippets and for the code in Markdown: see tutorial/pytest_plugin.py."""

pytest_plugins = ["tutorial.pytest_plugin"]

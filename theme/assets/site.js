// What Material's script adds to a page, made usable with a keyboard and with a screen reader; the
// reader's progress; large type; figures at full size; what the search looks for. Nothing here is needed to read a page.
// MkDocs puts the parts in here (static_templates in mkdocs.yml).
{
{% for part in ("common", "scrolling", "keyboard", "copying", "progress", "predict", "bench", "large-type", "figures", "search") %}
{% include "script/" ~ part ~ ".js" %}
{% endfor %}
}

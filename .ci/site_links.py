"""For mkdocs: links out of docs/, which GitHub follows as they stand, lead to the repository in the site."""

import posixpath
import re
from typing import Any

REPOSITORY = "https://github.com/durameter/durameter/blob/main/"

_LINK = re.compile(r"\]\((\.\./[^)\s]+)\)")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """What mkdocs calls with the text of each page."""
    return _LINK.sub(lambda found: f"]({REPOSITORY}{posixpath.normpath('docs/' + found[1])})", markdown)

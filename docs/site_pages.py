"""The site's part of MkDocs: pages of the top folder, and links as they hold in the repository."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
TOP_PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")

_DOCS = "docs/"
_INDEX = ("README.md", "index.md")
_FENCE = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(\]\()(?![a-z]+:|#|/)([^)#\s]+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of the top folder, and what any page links to besides pages."""
    for name in TOP_PAGES:
        files.append(_file(name, config))
    texts = {name: (ROOT / name).read_text(encoding="utf-8") for name in TOP_PAGES}
    pages = [file for file in files.documentation_pages() if file.src_uri not in texts]
    texts |= {_DOCS + file.src_uri: file.content_string for file in pages}
    for source, text in texts.items():
        for target in _targets(source, text):
            is_other = target not in texts and not target.startswith(_DOCS)
            if is_other and (ROOT / target).is_file() and files.get_file_from_path(target) is None:
                files.append(_file(target, config))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Turn links between the repository's files into links between the site's."""
    source = _in_repository(page.file.src_uri)
    here = posixpath.dirname(page.file.src_uri)

    def renew(found: re.Match[str]) -> str:
        target = _on_site(_resolved(source, found[2]))
        return found[1] + posixpath.relpath(target, here or ".")

    parts = _FENCE.split(markdown)
    parts[::2] = [_LINK.sub(renew, part) for part in parts[::2]]
    return "".join(parts)


def _targets(source: str, text: str) -> set[str]:
    """Files that a page links to, as the repository names them."""
    plain = "".join(_FENCE.split(text)[::2])
    return {_resolved(source, found[2]) for found in _LINK.finditer(plain)}


def _resolved(source: str, link: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(source), link))


def _on_site(path: str) -> str:
    return _INDEX[1] if path == _INDEX[0] else path.removeprefix(_DOCS)


def _in_repository(path: str) -> str:
    name = _INDEX[0] if path == _INDEX[1] else path
    return name if name in TOP_PAGES else _DOCS + path


def _file(name: str, config: MkDocsConfig) -> File:
    return File.generated(config, _on_site(name), abs_src_path=str(ROOT / name))

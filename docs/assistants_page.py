"""Write the page for assistants: the tools, and a real exchange over the demo drives."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mcp.client import Client

from docs.cookbook_page import make_demo
from engagement.assistants.server import make_server
from engagement.store.serving import Limits, Publication

PAGE = Path(__file__).parent / "assistants.md"
_MOST_LINES = 24
_HEAD = """\
<!-- made by `make docs`; don't edit -->

# For assistants

`engagement mcp` answers an assistant's questions about drives over the Model Context Protocol: the
assistant starts it, asks tools, and gets rows and sentences. It needs the extra:
`pip install 'engagement[mcp]'`. In an assistant's settings:

```json
{
  "mcpServers": {
    "engagement": {"command": "engagement", "args": ["mcp", "--db", "engagement.duckdb"]}
  }
}
```

Assistants on other machines ask the server of the dashboard:
`engagement serve --mcp --token-file tokens.txt` answers at `/mcp` (streamable HTTP, each request by
itself), with the checks and limits of the API. There is no tool for SQL there.

- Nothing is ever written, and no other file is read. A query has limits of time, rows and memory;
  SQL is one statement that reads.
- Every answer names the generation of the database and the number of the
  [definitions](definitions.md) that it is of.
- Rates stand with their counts, exposure, 95 % interval and what that rests on.
- Groups that can't be told apart are not ranked: `rank` compares every two of them by the
  [test of comparisons](statistics.md), holds false discoveries at 5 %, and gives an order only if
  all pairs are told. `rates` come in the order of names. The program does so, whatever the
  assistant was told; a query in SQL can sort by any column.
- An argument that a tool does not have is refused: a misspelt filter never stands for all drives.

The pages of [definitions](definitions.md), [statistics](statistics.md) and
[questions with their queries](cookbook.md) are its resources.
"""
_CALLS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("list_drives", {"limit": 1, "columns": ["drive", "engaged_s", "n_interventions"]}),
    ("list_events", {"where": {"is_critical": True}, "order_by": "-severity", "limit": 1}),
    ("rates", {"by": "log-kind", "event": "intervention"}),
    ("compare", {"by": "log-kind", "a": "rlog", "b": "mixed"}),
    ("rank", {"by": "log-kind", "measure": "interventions_per_100km"}),
)


def page(database: Path) -> str:
    """The page, with the answers of a database."""
    publication = Publication(database, Limits(time_limit_s=60))
    try:
        return asyncio.run(_page(publication))
    finally:
        publication.close()


async def _page(publication: Publication) -> str:
    async with Client(make_server(publication, has_sql=True)) as client:
        parts = [_HEAD, "## Tools\n", "| tool | |\n| --- | --- |"]
        parts += [
            f"| `{tool.name}` | {' '.join((tool.description or '').split())} |"
            for tool in (await client.list_tools()).tools
        ]
        parts.append(
            "\n## An exchange\n\nWith the demo drives (`engagement demo`); answers are cut.\n"
        )
        for name, arguments in _CALLS:
            answer = await client.call_tool(name, arguments)
            [said] = [getattr(part, "text", "") for part in answer.content]
            parts.append(f"```\n{name} {json.dumps(arguments)}\n\n{_cut(said)}\n```\n")
    return "\n".join(parts)


def _cut(text: str) -> str:
    lines = text.splitlines()
    if len(lines) <= _MOST_LINES:
        return text
    return "\n".join([*lines[:_MOST_LINES], f"... {len(lines) - _MOST_LINES} more lines"])


if __name__ == "__main__":
    with TemporaryDirectory() as temporary:
        PAGE.write_text(page(make_demo(Path(temporary))), encoding="utf-8")

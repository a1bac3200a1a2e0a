"""Hands out drives after a cursor, for servers of the old kind and `engagement import --pull`.

A cursor is the time of a drive's last change in ms and the drive's number: it rises with every
publication, and a drive that changed comes again.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from engagement.api.answers import respond
from engagement.api.handlers import AnyRequest, responses
from engagement.api.legacy import REFUSALS
from engagement.legacy.newest import newest_entries
from engagement.store.serving import Generation

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAX_LIMIT = 500
_LAST = 2**63 - 1
_BUDGET_S = 2.0  # to compute entries of ingested drives; what is left comes with the next page
_CHANGED = """
with changed as (
    select drive_id, max(changed_at_utc) as changed_at_utc, bool_or(is_ingested) as is_ingested
    from (
        select abs(drive_id) as drive_id, ingested_at_utc as changed_at_utc, true as is_ingested
        from log.segment where status <> 'failed'
        union all
        select drive_id, imported_at_utc, false from staging.imported_drives
    )
    group by drive_id
),
numbered as (
    select *, (epoch_ms(changed_at_utc) * 4194304 + drive_id)::bigint as cursor
    from changed semi join legacy_engagement_db using (drive_id)
)
select numbered.*, entries.entry::varchar as entry
from numbered left join staging.imported_drives as entries using (drive_id)
where cursor > $after
order by cursor
limit $limit
"""


@get(
    "/api/drive-stats/export",
    operation_id="oldExport",
    responses=responses(dict[str, Any], REFUSALS | {400: "after or limit is no number."}),
    sync_to_thread=True,
    tags=["old"],
)
def get_export(
    request: AnyRequest,
    generation: NamedDependency[Generation],
    *,
    after: FromQuery[int] = 0,
    limit: FromQuery[int] = 100,
) -> Response[bytes]:
    """Entries of schema version 3 of the drives that changed after a cursor, the oldest first.

    A page may be shorter than `limit`; ask on while `has_more` says so. A database of older
    definitions has none until it is computed anew.
    """
    after, limit = min(max(after, 0), _LAST), min(max(limit, 1), _MAX_LIMIT)
    return respond(request, generation, lambda: _page(generation, after, limit), is_numbered=False)


def _page(generation: Generation, after: int, limit: int) -> dict[str, Any]:
    if not generation.is_current:
        return {"items": [], "has_more": False}
    rows = generation.rows(_CHANGED, {"after": after, "limit": limit + 1})
    items: list[dict[str, Any]] = []
    until_s = time.monotonic() + _BUDGET_S
    for row in rows[:limit]:
        if items and time.monotonic() > until_s:
            break
        items.append(_item(generation, row))
    return {"items": items, "has_more": len(items) < len(rows)}


def _item(generation: Generation, row: Mapping[str, Any]) -> dict[str, Any]:
    drive_id = row["drive_id"]
    if row["is_ingested"]:
        stats = newest_entries(generation, [drive_id])[drive_id]
    else:
        stats = json.loads(row["entry"])
    received_at = row["changed_at_utc"].isoformat() + "+00:00"
    return {"cursor": row["cursor"], "received_at": received_at, "stats": stats}

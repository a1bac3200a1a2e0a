"""The number of the set of definitions that results are computed by.

It stands in the database beside the results, and on what is made of them, so that numbers of two
sets are never taken for numbers of one. `docs/definitions.md` says what the set is; it goes up by
one whenever an answer to the same question may become another.
"""

from __future__ import annotations

DEFINITIONS = 2

# Of databases that do not say so, as they are older than the number.
UNNUMBERED = 1

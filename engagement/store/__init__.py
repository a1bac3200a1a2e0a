"""From Arrow batches to base tables, results and views in one DuckDB file.

`generation` publishes files that readers never wait for, `schema` applies migrations/ and sql/,
`segments` writes what a log holds, `results` computes the numbers of touched drives, `ingest` runs
it all, and `reader` opens a published file. Nothing here knows of HTTP or the command line.
"""

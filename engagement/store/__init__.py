"""From Arrow batches to base tables, results and views in one DuckDB file.

`database_writer` publishes files that readers never wait for, `schema` applies migrations/ and
sql/, `segments` writes what a log holds, `results` computes the numbers of touched drives,
`ingestion` runs it all, and `reader` opens a published file. Nothing here knows of HTTP or the
command line.
"""

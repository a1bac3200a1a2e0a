"""From columns of messages to Arrow batches, one per base table.

`sources` says which field of which message fills which column, `fields` and `batches` build the
batches, `profiles`, `dbc` and `can_decoding` read the CAN signals of a vehicle, and `segment` reads
one whole log. Nothing here knows DuckDB.
"""

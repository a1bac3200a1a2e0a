"""A store for more drives than one machine has room for: Parquet files, and a catalog of them."""

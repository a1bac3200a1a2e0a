"""How much of your driving was engaged, when and why it disengaged: openpilot logs in DuckDB."""

"""Views as files for other tools."""

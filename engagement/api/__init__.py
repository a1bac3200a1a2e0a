"""The views over HTTP: the old endpoints, `/api/v1`, and the dashboard's pages."""

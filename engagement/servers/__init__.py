"""Logs from comma's servers and their like, over HTTPS; see docs/collect.md."""

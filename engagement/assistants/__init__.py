"""Answers for assistants that speak the Model Context Protocol: a database in, tools out."""

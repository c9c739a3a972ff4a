"""Databases for every test below: see tests/databases.py."""

from tests.databases import database_url, store

__all__ = ["database_url", "store"]

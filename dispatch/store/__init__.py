"""The database: a file a noun, table and queries together.

See: docs/store.md
"""

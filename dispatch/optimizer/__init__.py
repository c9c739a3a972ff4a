"""The optimizer: numbers in, a plan out. No clock, no map, no database.

See: docs/words.md, optimizer
"""

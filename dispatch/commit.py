"""The one place that opens a write transaction."""

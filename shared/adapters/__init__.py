"""The only place that knows vendors: Google, HTTP clients, SQLite."""

"""Copy a journal from SQLite to PostgreSQL or back, while receivers use it."""

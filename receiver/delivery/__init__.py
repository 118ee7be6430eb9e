"""Running deliveries through handlers: start a new one at once or claim a due one, attempt, record the result, retry.

A new delivery starts with the transaction that creates it where that is possible (`fast_start`). All others are claimed
from the database (`worker`): retries, what came while the worker was behind, and everything on PostgreSQL.
"""

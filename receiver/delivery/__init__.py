"""Running due deliveries through handlers: claim, attempt, record the result, retry."""

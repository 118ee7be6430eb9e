"""What all providers share: the contract that each implements, events, call records, coercion, samples, discovery."""

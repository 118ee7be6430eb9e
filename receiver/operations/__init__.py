"""What is done with stored callbacks: retention, replay, erasure."""

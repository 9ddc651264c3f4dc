"""G. Lifecycle."""

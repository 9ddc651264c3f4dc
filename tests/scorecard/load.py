"""A. Load and overload."""

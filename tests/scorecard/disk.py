"""F. Models and disk."""

"""I. Security."""

"""B. Slow and broken clients."""

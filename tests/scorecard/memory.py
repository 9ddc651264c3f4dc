"""H. Memory and threads."""

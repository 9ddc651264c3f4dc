"""D. Parsers."""

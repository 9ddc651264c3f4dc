"""C. HTTP conformance, smuggling."""

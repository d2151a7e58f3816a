"""The embedded stack: everything that runs on a laptop around the product."""

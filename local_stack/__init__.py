"""The embedded stack: everything that runs on a laptop beside the product."""

"""The embedded stack: all that the product needs to run on one machine."""

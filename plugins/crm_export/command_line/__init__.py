"""The command line: the page's functions for terminals and continuous integration."""

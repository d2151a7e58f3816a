"""The command line: what the page does, in a terminal and in continuous integration."""

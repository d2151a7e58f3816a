"""The processes of a stack: started, watched, and always stopped with it."""

"""The processes of a stack: started, watched, and stopped however it ends."""

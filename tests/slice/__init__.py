"""The slice of the loop in one process, a step at a time, and the checker of what any run left behind."""

"""The slice of the loop, run in one process a step at a time, and the checker that reads what any run left behind."""

"""What a demonstration needs beside Aloft itself: a pool of images drawn by code, and a vendor to label them.

Neither is part of a service and neither knows one: the vendor uses the public API alone, and what it knows of
an image it looks up by the SHA-256 of the bytes behind a task's URL, in a file that no service can read.
"""

"""Objects in buckets: a directory on a laptop, MinIO or any S3 in production. One `Objects` is one bucket."""

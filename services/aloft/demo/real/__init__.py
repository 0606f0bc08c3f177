"""The demonstration on real servers, Kafka, S3, PostgreSQL and TorchServe, which it leaves as they were.

What it makes on them bears the name of the run, and goes with it: topics, buckets, a database and its roles,
and versions in TorchServe. A `Part` is what a run has on one server.
"""

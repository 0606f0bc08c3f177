"""The label store over gRPC: names taken apart, a transaction opened, a use case called."""

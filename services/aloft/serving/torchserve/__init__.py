"""TorchServe behind the serving port: its settings, its APIs, and the entry by which it calls the handler."""

"""What every service stands on: bus, objects, database, jobs, rpc, telemetry, settings, time and steps.

The kit knows no service. Each port is a protocol beside its adapters; services write against the protocol
and only a composition root (`app.py`) chooses an adapter.
"""

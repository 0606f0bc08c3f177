"""gRPC as every service speaks it.

`server.Server` serves plain, synchronous servicer methods `(request, call) -> response`; `call.allow` says
who may call them; domain errors become statuses with `google.rpc` details in `status`. `channel.channel` is
the client's side. `paging`, `masks`, `etags`, `requests`, `operations` are pieces that a servicer composes.
"""

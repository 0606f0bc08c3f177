"""Events between services: at least once on the wire, once in effect.

`outbox.emit` writes an event in the transaction of the state it announces; `Relay` publishes what is unpublished;
`Receiver` writes what arrives into the inbox; `InboxWorker` gives it to a handler, lane by lane, effect and mark in
one transaction. A handler sees a typed message and a `Context`, never a broker's record.
"""

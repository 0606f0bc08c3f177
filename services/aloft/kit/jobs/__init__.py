"""Long work as rows: queued, leased to one worker, fenced by an epoch, resumable, cancellable.

A worker that lost its lease can write nothing that counts: every write goes through `Lease.transaction`, which checks
the epoch in the same transaction.
"""

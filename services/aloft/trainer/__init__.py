"""The trainer owns runs, model versions, their artefacts and their cards, and what is to be served.

It takes `campaign.changed`, `labels.committed`, `batch.closed`, `image.registered` (label store) and
`image.quarantined` (embedding), and gives `model.published`.

A version is allocated in the transaction that creates its run, so gaps are normal. A campaign that runs for
the first time gets a base version, a backbone without a head: learned from the pool, from a checkpoint, or
with weights drawn from a seed. Whenever a batch has closed with labels, a run trains a version on every label
set so far, judges it on the held-out images, and promotes it if it passes the campaign's gate. A run is a
job; what it made lies under names that hold digests, and counts from the transaction that ends the job,
writes the event, and says what is to be served.
"""

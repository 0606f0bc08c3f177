"""The trainer owns runs, model versions, their artefacts and their cards.

It takes `campaign.changed` (label store) and gives `model.published`.

A version is allocated in the transaction that creates its run, so gaps are normal. A campaign that runs for
the first time gets a base version, a backbone without a head: from a checkpoint, or with weights drawn from a
seed. A run is a job; its artefact lies under a name that holds its digest, and counts from the
transaction that ends the job and writes the event.
"""

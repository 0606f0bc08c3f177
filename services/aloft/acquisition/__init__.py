"""Acquisition: which images are labelled next, and why.

Owns rankings (the score of every unlabelled image under a version) and the selection of batches: their
numbers, their seeds, and which images are out. It keeps which labels each labelled image has, because some
strategies ask how rare a label is. It holds no torch: strategies work on the features and logits that
embedding wrote.

Takes campaign.changed, model.published, pool.embedded, labels.committed, batch.closed, image.released,
image.registered and image.quarantined. Gives batch.selected. Whatever makes a ranking or a batch due, an
event says so: its handler queues the job `rank`, and the job decides again from the newest state what there
is to do.

Operators ask for a ranking by the job `rerank`, and what would be selected by `preview` and `compare`, which
write nothing and have a worker of their own.
"""

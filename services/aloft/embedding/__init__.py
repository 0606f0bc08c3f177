"""Embedding owns the features and logits of each campaign's pool, under its newest promoted version.

It takes `campaign.changed` and `image.registered` (label store) and `model.published` (trainer), and gives
`pool.embedded` and `image.quarantined`.

A job per campaign sends images that have no features under the version's backbone through the network into
new shards, lays the version's logits beside every shard that has none, and with them the columns that the
campaign's strategy needs and that take the version's weights to make; it says in a manifest which rows of
which shards are the pool. A version whose backbone is known reuses every feature and opens no image, but for
losses that are foretold from stages of the network. Finished shards are rows in the database: a job that is
begun again goes on behind them. A version whose artefact is not what was published is set aside until it is
mended or a newer one takes its place.
"""

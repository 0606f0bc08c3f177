"""Embedding owns the features of each campaign's pool, under its newest promoted version.

It takes `campaign.changed` and `image.registered` (label store) and `model.published` (trainer), and gives
`pool.embedded` and `image.quarantined`.

A job per campaign sends images that have no features under the version's backbone through the network into
new shards; a manifest then says which rows of which shards are the pool. A version whose backbone is known
reuses every feature. Finished shards are rows in the database: a job that is begun again goes on behind them.
"""

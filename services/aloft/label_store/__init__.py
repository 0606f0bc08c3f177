"""The label store owns campaigns, taxonomies, images and their splits, tasks, leases, annotations, label
sets, the label revision, batches, vendors and API keys.

It takes `batch.selected` (acquisition), `image.quarantined` (embedding) and `model.published` (trainer), and
gives `campaign.changed`, `image.registered`, `labels.committed`, `batch.closed` and `image.released`.

Whatever changes a campaign's batches or label sets first locks the campaign's row, then tasks in the order
of their images. A lease locks no campaign: it takes free tasks in that order too, passes over those that
somebody else is changing, and so waits for nobody.
"""

"""The tables of the label store. Times are microseconds; the migration makes what is declared here."""

import sqlalchemy as sa

from aloft.kit.database.columns import flag, number, words

METADATA = sa.MetaData()


campaigns = sa.Table(
    "campaigns",
    METADATA,
    words("id", key=True),
    sa.Column("spec", sa.LargeBinary, nullable=False),  # a Campaign message: what a client may set
    words("state"),
    words("state_reason"),
    words("state_by", default=""),  # who brought it there; empty: a rule
    number("state_since_us"),
    number("version"),
    number("label_revision", default=0),
    number("newest_batch", default=0),
    number("open_batch", nullable=True),
    flag("evaluating"),  # batch 0, which may be open beside another, is open
    number("labelled_images", default=0),  # that the budget pays for
    number("annotations", default=0),  # that the budget pays for
    number("promoted_version", default=0),
    number("created_us"),
    number("updated_us"),
)

images = sa.Table(
    "images",
    METADATA,
    words("campaign", key=True),
    words("id", key=True),
    words("key"),
    words("object_etag"),
    number("size"),
    sa.Column("split", sa.SmallInteger, nullable=False),
    number("version"),
    words("quarantine_reason", default=""),  # empty: it is usable
    words("quarantine_detail", default=""),
    flag("skipped"),
    number("batch", nullable=True),  # the batch that it is out with
    number("copied_version", default=0),  # of which there is an opaque copy for vendors
    number("label_set_version", default=0),
    number("label_revision", default=0),
    sa.Column("verdicts", sa.JSON(none_as_null=True)),
    number("created_us"),
)

scores = sa.Table(
    "scores",
    METADATA,
    words("campaign", key=True),
    number("version", key=True),
    sa.Column("score", sa.Double, nullable=False),
    flag("promoted"),
)

batches = sa.Table(
    "batches",
    METADATA,
    words("campaign", key=True),
    number("number", key=True),
    words("close_reason", default=""),  # empty: it is open
    number("model_version"),
    words("ranking"),
    words("strategy"),
    number("selected_images"),
    number("accepted_images"),
    number("labelled_images", default=0),
    number("skipped_images", default=0),
    number("superseded_images", default=0),
    number("close_at_us", nullable=True),
    number("created_us"),
    number("closed_us", nullable=True),
)
_AWAITED = sa.text("close_reason = '' AND close_at_us IS NOT NULL")
sa.Index("batches_to_close", batches.c.close_at_us, postgresql_where=_AWAITED, sqlite_where=_AWAITED)

batch_images = sa.Table(
    "batch_images",
    METADATA,
    words("campaign", key=True),
    number("batch", key=True),
    words("image", key=True),
    words("outcome"),
)

tasks = sa.Table(
    "tasks",
    METADATA,
    words("campaign", key=True),
    words("id", key=True),
    number("batch"),
    words("image"),
    words("state"),  # open (leased or not), done, skipped, withdrawn
    words("vendor", default=""),  # who holds it, or ended it
    words("annotator", default=""),
    words("lease", default=""),
    number("lease_until_us", default=0),
    number("leased_us", default=0),  # when somebody last took it
    flag("final"),  # no lease after this one: its batch closed, or its image is quarantined
    words("skip_reason", default=""),
    number("created_us"),
    number("ended_us", nullable=True),
)
_OPEN = sa.text("state = 'open'")
sa.Index(
    "tasks_open", tasks.c.campaign, tasks.c.batch, tasks.c.image, postgresql_where=_OPEN, sqlite_where=_OPEN
)
sa.Index("tasks_held", tasks.c.vendor, tasks.c.lease_until_us, postgresql_where=_OPEN, sqlite_where=_OPEN)
sa.Index("tasks_by_expiry", tasks.c.lease_until_us, postgresql_where=_OPEN, sqlite_where=_OPEN)
sa.Index("tasks_by_image", tasks.c.campaign, tasks.c.image, tasks.c.vendor)
_SKIPPED = sa.text("state = 'skipped'")
sa.Index("tasks_skipped", tasks.c.campaign, tasks.c.vendor, postgresql_where=_SKIPPED, sqlite_where=_SKIPPED)

expired_leases = sa.Table(
    "expired_leases",
    METADATA,
    words("campaign", key=True),
    words("task", key=True),
    words("lease", key=True),
    words("vendor"),
)
sa.Index("expired_leases_by_vendor", expired_leases.c.campaign, expired_leases.c.vendor)

annotations = sa.Table(
    "annotations",
    METADATA,
    words("campaign", key=True),
    words("task", key=True),
    words("image"),
    words("vendor"),
    words("annotator"),
    words("lease"),
    sa.Column("verdicts", sa.JSON(none_as_null=True), nullable=False),
    number("taxonomy_version"),
    number("submitted_us"),
)
sa.Index("annotations_by_vendor", annotations.c.campaign, annotations.c.vendor)

imports = sa.Table(
    "imports",
    METADATA,
    words("job", key=True),
    words("after"),  # the last key of a listing, or the last line of a manifest, that is dealt with
    number("registered"),
    number("known"),
    number("missing"),
    number("refused"),
    number("labelled"),
    sa.Column("missing_keys", sa.JSON(none_as_null=True), nullable=False),
    sa.Column("problems", sa.JSON(none_as_null=True), nullable=False),
)

vendors = sa.Table(
    "vendors",
    METADATA,
    words("id", key=True),
    words("display_name"),
    number("max_leases"),
    number("created_us"),
)

vendor_campaigns = sa.Table(
    "vendor_campaigns",
    METADATA,
    words("vendor", key=True),
    words("campaign", key=True),
)

api_keys = sa.Table(
    "api_keys",
    METADATA,
    words("id", key=True),
    sa.Column("hash", sa.LargeBinary, nullable=False),
    words("principal"),
    number("created_us"),
    number("expire_us", nullable=True),
)
sa.Index("api_keys_by_principal", api_keys.c.principal, api_keys.c.id)

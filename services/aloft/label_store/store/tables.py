"""The tables of the label store. Times are microseconds; the migration makes what is declared here."""

import sqlalchemy as sa

METADATA = sa.MetaData()

NOW = sa.select(sa.func.aloft_now(type_=sa.BigInteger)).scalar_subquery()
"""The time, read once a statement: bare, the function would be called for every row."""


def _text(name: str, **options: object) -> sa.Column[str]:
    return sa.Column(name, sa.Text, **{"nullable": False, **options})  # type: ignore[arg-type]


def _number(name: str, **options: object) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, **{"nullable": False, **options})  # type: ignore[arg-type]


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False, default=False)


campaigns = sa.Table(
    "campaigns",
    METADATA,
    _text("id", primary_key=True),
    sa.Column("spec", sa.LargeBinary, nullable=False),  # a Campaign message: what a client may set
    _text("state"),
    _text("state_reason"),
    _number("version"),
    _number("label_revision", default=0),
    _number("newest_batch", default=0),
    _number("open_batch", nullable=True),
    _number("labelled_images", default=0),
    _number("annotations", default=0),
    _number("promoted_version", default=0),
    _number("created_us"),
    _number("updated_us"),
)

images = sa.Table(
    "images",
    METADATA,
    _text("campaign", primary_key=True),
    _text("id", primary_key=True),
    _text("key"),
    _text("object_etag"),
    _number("size"),
    sa.Column("split", sa.SmallInteger, nullable=False),
    _number("version"),
    _text("quarantine_reason", default=""),  # empty: it is usable
    _text("quarantine_detail", default=""),
    _flag("skipped"),
    _number("batch", nullable=True),  # the batch that it is out with
    _number("copied_version", default=0),  # of which there is an opaque copy for vendors
    _number("label_set_version", default=0),
    _number("label_revision", default=0),
    sa.Column("verdicts", sa.JSON(none_as_null=True)),
    _number("created_us"),
)

batches = sa.Table(
    "batches",
    METADATA,
    _text("campaign", primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    _text("close_reason", default=""),  # empty: it is open
    _number("model_version"),
    _text("ranking"),
    _text("strategy"),
    _number("selected_images"),
    _number("accepted_images"),
    _number("labelled_images", default=0),
    _number("skipped_images", default=0),
    _number("superseded_images", default=0),
    _number("close_at_us", nullable=True),
    _number("created_us"),
    _number("closed_us", nullable=True),
)
_AWAITED = sa.text("close_reason = '' AND close_at_us IS NOT NULL")
sa.Index("batches_to_close", batches.c.close_at_us, postgresql_where=_AWAITED, sqlite_where=_AWAITED)

batch_images = sa.Table(
    "batch_images",
    METADATA,
    _text("campaign", primary_key=True),
    sa.Column("batch", sa.BigInteger, primary_key=True, autoincrement=False),
    _text("image", primary_key=True),
    _text("outcome"),
)

tasks = sa.Table(
    "tasks",
    METADATA,
    _text("campaign", primary_key=True),
    _text("id", primary_key=True),
    _number("batch"),
    _text("image"),
    _text("state"),  # open (leased or not), done, skipped, withdrawn
    _text("vendor", default=""),  # who holds it, or ended it
    _text("annotator", default=""),
    _text("lease", default=""),
    _number("lease_until_us", default=0),
    _flag("final"),  # no lease after this one: its batch closed, or its image is quarantined
    _text("skip_reason", default=""),
    _number("created_us"),
    _number("ended_us", nullable=True),
)
_OPEN = sa.text("state = 'open'")
sa.Index(
    "tasks_open", tasks.c.campaign, tasks.c.batch, tasks.c.image, postgresql_where=_OPEN, sqlite_where=_OPEN
)
sa.Index("tasks_held", tasks.c.vendor, tasks.c.lease_until_us, postgresql_where=_OPEN, sqlite_where=_OPEN)
sa.Index("tasks_by_expiry", tasks.c.lease_until_us, postgresql_where=_OPEN, sqlite_where=_OPEN)
_SKIPPED = sa.text("state = 'skipped'")
sa.Index("tasks_skipped", tasks.c.campaign, tasks.c.vendor, postgresql_where=_SKIPPED, sqlite_where=_SKIPPED)

expired_leases = sa.Table(
    "expired_leases",
    METADATA,
    _text("campaign", primary_key=True),
    _text("task", primary_key=True),
    _text("lease", primary_key=True),
    _text("vendor"),
)
sa.Index("expired_leases_by_vendor", expired_leases.c.campaign, expired_leases.c.vendor)

annotations = sa.Table(
    "annotations",
    METADATA,
    _text("campaign", primary_key=True),
    _text("task", primary_key=True),
    _text("image"),
    _text("vendor"),
    _text("annotator"),
    _text("lease"),
    sa.Column("verdicts", sa.JSON(none_as_null=True), nullable=False),
    _number("taxonomy_version"),
    _number("label_revision"),
    _number("submitted_us"),
)
sa.Index("annotations_by_vendor", annotations.c.campaign, annotations.c.vendor)

imports = sa.Table(
    "imports",
    METADATA,
    _text("job", primary_key=True),
    _text("after"),  # the last key of a listing, or the last line of a manifest, that is dealt with
    _number("registered"),
    _number("known"),
    _number("missing"),
    _number("refused"),
    sa.Column("missing_keys", sa.JSON(none_as_null=True), nullable=False),
    sa.Column("problems", sa.JSON(none_as_null=True), nullable=False),
)

vendors = sa.Table(
    "vendors",
    METADATA,
    _text("id", primary_key=True),
    _text("display_name"),
    _number("max_leases"),
    _number("created_us"),
)

vendor_campaigns = sa.Table(
    "vendor_campaigns",
    METADATA,
    _text("vendor", primary_key=True),
    _text("campaign", primary_key=True),
)

api_keys = sa.Table(
    "api_keys",
    METADATA,
    _text("id", primary_key=True),
    sa.Column("hash", sa.LargeBinary, nullable=False),
    _text("principal"),
    _number("created_us"),
    _number("expire_us", nullable=True),
)
sa.Index("api_keys_by_principal", api_keys.c.principal, api_keys.c.id)

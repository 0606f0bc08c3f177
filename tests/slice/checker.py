"""Reads databases, topics and buckets after a run and says what does not hold of what must hold."""

import hashlib
import json
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from sqlalchemy import text

from aloft.api.events.v1 import events_pb2 as events
from aloft.api.labels.v1.campaign_pb2 import SPLIT_POOL, VERDICT_POSITIVE
from aloft.kit.bus import cloudevents, topics
from aloft.kit.bus.port import Bus, Delivery
from aloft.kit.database.database import Transactions
from aloft.kit.objects.port import Objects
from aloft.shards import read_manifest, stream, stream_logits
from aloft.strategies.pool import hexadecimal
from tests.slice.rest import READERS

SERVICES = ("label_store", "embedding", "acquisition", "trainer")


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A submission that a vendor was told is stored: the task, and the labels it said are there."""

    task: str
    positive: frozenset[str]


@dataclass
class Evidence:
    """What a run left behind, read once."""

    campaign: str
    databases: Mapping[str, Transactions]
    bus: Bus
    objects: Objects
    pool: Objects
    acknowledged: Sequence[Acknowledged] = ()
    truth: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Labels by the SHA-256 of an image's bytes."""
    wait_s: float = 0.3
    """How long a broker may take to answer that there is no more."""
    pool_before: Mapping[str, str] = field(default_factory=dict)
    """Digests of the pool's objects before the run."""

    def __post_init__(self) -> None:
        self.topics: dict[str, list[Delivery]] = defaultdict(list)
        names = [name for topic in topics.TOPICS for name in (topic.name, topic.dead_letters)]
        subscription = self.bus.subscribe(f"checker-{uuid.uuid4().hex}", names)
        missing = {
            row.event for service in SERVICES for row in self.rows(service, "SELECT event FROM outbox")
        }
        empty, deadline = 0, time.monotonic() + 100 * self.wait_s
        # A broker may let a new reader wait: no answer means little while something is known to be missing.
        while empty < 3 or (missing and time.monotonic() < deadline):
            found = subscription.poll(1000, self.wait_s)
            empty = 0 if found else empty + 1
            for delivery in found:
                self.topics[delivery.message.topic].append(delivery)
                missing.discard(cloudevents.from_headers(delivery.message.headers).id)
        subscription.close()

    def rows(self, service: str, query: str) -> list[Any]:
        """Ask a service's database; `:c` is the campaign."""
        with self.databases[service].read() as tx:
            return list(tx.execute(text(query), {"c": self.campaign} if ":c" in query else None).all())

    def events(self, payload: type[Any]) -> list[Any]:
        """Read the events of a kind, each once, in the order of their first appearance."""
        topic = topics.topic_of(payload)
        seen: dict[str, Any] = {}
        for delivery in self.topics[topic.name]:
            message = delivery.message
            if message.key == self.campaign:
                seen.setdefault(
                    cloudevents.from_headers(message.headers).id, payload.FromString(message.value)
                )
        return list(seen.values())


Check = Callable[[Evidence], Iterator[str]]


def acknowledged_annotations_are_kept(found: Evidence) -> Iterator[str]:
    """Invariant 1."""
    stored = defaultdict(list)
    for row in found.rows("label_store", "SELECT task, verdicts FROM annotations WHERE campaign = :c"):
        stored[row.task].append(_positive(row.verdicts))
    for said in found.acknowledged:
        task = said.task.rsplit("/", 1)[-1]
        if stored[task] != [said.positive]:
            yield f"task {task} was acknowledged as {sorted(said.positive)} and is stored as {stored[task]}"


def overlap_is_never_exceeded(found: Evidence) -> Iterator[str]:
    """Invariants 1 and 2: no image has more annotations than the overlap, and none two of one annotator."""
    overlap = max((said.campaign.overlap for said in found.events(events.CampaignChanged)), default=1)
    query = "SELECT image, task, vendor, annotator FROM annotations WHERE campaign = :c"
    rows = found.rows("label_store", query)
    for image, times in Counter(row.image for row in rows).items():
        if times > overlap:
            yield f"image {image} has {times} annotations and the overlap is {overlap}"
    people = Counter((row.image, row.vendor, row.annotator) for row in rows)
    for (image, vendor, annotator), times in people.items():
        if times > 1:
            yield f"image {image} was annotated {times} times by {annotator} of {vendor}"
    done = found.rows("label_store", "SELECT id FROM tasks WHERE campaign = :c AND state = 'done'")
    if {row.id for row in done} != {row.task for row in rows}:
        yield "the tasks that are done are not those that have an annotation"


def an_expired_lease_changes_nothing(found: Evidence) -> Iterator[str]:
    """Invariant 2: no annotation came in under a lease that had run out."""
    late = (
        "SELECT a.task, a.lease FROM annotations a JOIN expired_leases e"
        " ON a.campaign = e.campaign AND a.task = e.task AND a.lease = e.lease WHERE a.campaign = :c"
    )
    for row in found.rows("label_store", late):
        yield f"task {row.task} has an annotation under the expired lease {row.lease}"


def revisions_have_no_gap_and_arrive_in_order(found: Evidence) -> Iterator[str]:
    """Section 5: label revisions grow by one in commit order."""
    said = [event.label_revision for event in found.events(events.LabelsCommitted)]
    if said != list(range(1, len(said) + 1)):
        yield f"labels.committed says revisions {said}"
    stored = found.rows("label_store", "SELECT label_revision FROM campaigns WHERE id = :c")[0].label_revision
    if stored != len(said):
        yield f"the campaign is at label revision {stored}, and {len(said)} were announced"


def every_event_is_published_in_order(found: Evidence) -> Iterator[str]:
    """Section 5: the outbox is empty, and a key's events lie on the topic in the order of their ids."""
    for service in SERVICES:
        lanes: dict[tuple[str, str], list[str]] = defaultdict(list)
        for row in found.rows(service, "SELECT * FROM outbox ORDER BY id"):
            if row.published_us is None:
                yield f"{service} has not published {row.topic} {row.event}"
            lanes[row.topic, row.aggregateid].append(row.event)
        for (topic, key), emitted in lanes.items():
            ids = (
                cloudevents.from_headers(delivery.message.headers).id
                for delivery in found.topics[topic]
                if delivery.message.key == key
            )
            on_topic = [event for event in dict.fromkeys(ids) if event in set(emitted)]
            if on_topic != emitted:
                yield f"{topic} of {key} holds {on_topic}, the outbox says {emitted}"


def every_event_is_handled(found: Evidence) -> Iterator[str]:
    """Section 5: each reader has taken each event in once; nothing waits, nothing is dead."""
    said = [
        (row.topic, row.event)
        for service in SERVICES
        for row in found.rows(service, "SELECT topic, event FROM outbox ORDER BY id")
    ]
    for service in SERVICES:
        taken = Counter(row.event for row in found.rows(service, "SELECT event FROM inbox"))
        for topic, event in said:
            if taken[event] != (service in READERS[topic]):
                yield f"{service} has {topic} {event} {taken[event]} times in its inbox"
        for row in found.rows(service, "SELECT topic, state, error FROM inbox WHERE state <> 'done'"):
            yield f"{service} has {row.topic} {row.state}: {row.error}"
        for row in found.rows(
            service, "SELECT kind, state, error FROM jobs WHERE state <> 'succeeded' AND campaign = :c"
        ):
            yield f"{service} has a {row.state} job {row.kind}: {row.error}"
    for topic in topics.TOPICS:
        if found.topics[topic.dead_letters]:
            yield f"{topic.dead_letters} is not empty"


def both_sides_agree_on_images(found: Evidence) -> Iterator[str]:
    """Label store and acquisition know the same images as labelled, out and skipped."""
    query = (
        "SELECT {id} AS image, label_set_version, batch, skipped FROM images"
        " WHERE campaign = :c AND (label_set_version > 0 OR batch IS NOT NULL OR skipped)"
    )
    ours = {row.image: row for row in found.rows("label_store", query.format(id="id"))}
    theirs = {row.image: row for row in found.rows("acquisition", query.format(id="image"))}
    kinds: dict[str, Callable[[Any], bool]] = {
        "labelled": lambda row: row.label_set_version > 0,
        "out": lambda row: row.label_set_version == 0 and row.batch is not None and not row.skipped,
        "skipped": lambda row: bool(row.skipped),
    }
    for what, holds in kinds.items():
        left = {image for image, row in ours.items() if holds(row)}
        right = {image for image, row in theirs.items() if holds(row)}
        if left != right:
            yield f"{what}: the label store says {sorted(left)}, acquisition {sorted(right)}"


def batches_are_numbered_and_one_is_open(found: Evidence) -> Iterator[str]:
    """Section 1: at most one open batch, and both sides know the same ones."""
    ours = found.rows(
        "label_store", "SELECT number, close_reason FROM batches WHERE campaign = :c ORDER BY number"
    )
    numbers = [row.number for row in ours]
    # Number 0 is the label store's own, of images that versions are judged by.
    regular = [number for number in numbers if number]
    if regular != list(range(1, len(regular) + 1)):
        yield f"the label store's batches are {numbers}"
    selected = [event.batch for event in found.events(events.BatchSelected)]
    if selected != regular:
        yield f"batch.selected says {selected}, the label store has {numbers}"
    if sum(row.close_reason == "" and row.number > 0 for row in ours) > 1:
        yield f"more than one batch is open: {ours}"
    closed = sorted(event.batch for event in found.events(events.BatchClosed))
    if closed != [row.number for row in ours if row.close_reason]:
        yield f"batch.closed says {closed}, the label store has {ours}"


def every_accepted_image_has_one_end(found: Evidence) -> Iterator[str]:
    """Invariant 5, and the books of `batch.closed`."""
    for event in found.events(events.BatchClosed):
        parts = [event.labelled, event.skipped, event.superseded, event.outstanding]
        once = Counter(image for part in parts for image in part)
        if any(times > 1 for times in once.values()) or not set(once) <= set(event.accepted):
            yield f"batch.closed {event.batch} counts an image twice, or one that it did not accept"
    annotated = {
        row.image for row in found.rows("label_store", "SELECT image FROM annotations WHERE campaign = :c")
    }
    query = "SELECT batch, image, outcome FROM batch_images WHERE campaign = :c"
    labelled: Counter[str] = Counter()
    for row in found.rows("label_store", query):
        labelled[row.image] += row.outcome == "labelled"
        if row.outcome == "labelled" and row.image not in annotated:
            yield f"image {row.image} of batch {row.batch} is labelled without an annotation"
    if doubled := [image for image, times in labelled.items() if times > 1]:
        yield f"labelled in two batches: {doubled}"


def the_ranking_covers_the_pool(found: Evidence) -> Iterator[str]:
    """Invariant 4: newest promoted version, no image missing but the quarantined."""
    images = found.rows("label_store", "SELECT * FROM images WHERE campaign = :c")
    pool = {row.id for row in images if row.split == SPLIT_POOL}
    quarantined = {row.id for row in images if row.quarantine_reason}
    promoted = max(
        (event.version for event in found.events(events.ModelPublished) if event.promoted), default=0
    )
    embedded = max(found.events(events.PoolEmbedded), key=lambda event: (event.version, event.generation))
    if embedded.version != promoted:
        yield f"version {promoted} is promoted and {embedded.version} embedded"
    manifest = read_manifest(found.objects, embedded.manifest_key, embedded.manifest_digest)
    base = {event.version for event in found.events(events.ModelPublished) if event.base}
    columns = [[part.images for part in stream(found.objects, manifest)]]
    if promoted not in base:
        columns.append([part.images for part in stream_logits(found.objects, manifest)])
    for ids in columns:
        rows = [image for part in ids for image in hexadecimal(part)]
        if sorted(rows) != sorted(pool - quarantined):
            yield f"the manifest holds {len(rows)} rows for {len(pool - quarantined)} usable images"
    newest = found.rows(
        "acquisition", "SELECT * FROM rankings WHERE campaign = :c ORDER BY number DESC LIMIT 1"
    )[0]
    if (newest.version, newest.generation) != (promoted, embedded.generation):
        yield f"ranked is {newest.version}/{newest.generation}, embedded {promoted}/{embedded.generation}"
    data = found.objects.get(newest.key)
    if hashlib.sha256(data).hexdigest() != newest.digest:
        yield f"the ranking {newest.key} is not what its digest says"
    with pa.ipc.open_file(pa.py_buffer(data)) as opened:
        ranked = {bytes(one).hex() for one in opened.read_all().column("image").to_pylist()}
    labelled = {row.id for row in images if row.label_set_version > 0}
    if missing := pool - quarantined - labelled - ranked:
        yield f"unlabelled images without a score: {sorted(missing)}"


def what_cannot_be_used_is_known_everywhere(found: Evidence) -> Iterator[str]:
    """Invariant 4: the quarantined, each with its reason."""
    query = "SELECT {0} AS image, {1} AS reason FROM images WHERE campaign = :c AND {1} <> ''"
    held = found.rows("embedding", query.format("id", "quarantined"))
    known = found.rows("label_store", query.format("id", "quarantine_reason"))
    if len(held) != len(known) or {row.image for row in held} != {row.image for row in known}:
        yield f"embedding quarantined {held}, the label store knows {known}"


def a_run_ends_with_its_one_version(found: Evidence) -> Iterator[str]:
    """Invariant 6."""
    begun = [row.version for row in found.rows("trainer", "SELECT version FROM runs WHERE campaign = :c")]
    made = [row.version for row in found.rows("trainer", "SELECT version FROM models WHERE campaign = :c")]
    announced = [event.version for event in found.events(events.ModelPublished)]
    if not sorted(begun) == sorted(made) == sorted(announced):
        yield f"runs for versions {begun} made {made} and announced {announced}"


def every_batch_was_learned_from(found: Evidence) -> Iterator[str]:
    """Section 1: each closing that asks for a version is followed by one that learned from all of it."""
    versions = [event for event in found.events(events.ModelPublished) if not event.base]
    learned = max((event.label_revision for event in versions), default=0)
    for closing in found.events(events.BatchClosed):
        if closing.train and closing.label_revision > learned:
            yield f"batch {closing.batch} closed at revision {closing.label_revision}, learned is {learned}"
    revisions = [event.label_revision for event in versions]
    if len(revisions) != len(set(revisions)):
        yield f"two versions learned from the same revision: {revisions}"


def artefacts_are_what_was_published(found: Evidence) -> Iterator[str]:
    """Section 6: weights lie under their digest, and the card says the same as the event."""
    for event in found.events(events.ModelPublished):
        if (
            said := hashlib.sha256(found.objects.get(event.artefact_key)).hexdigest()
        ) != event.artefact_digest:
            yield f"version {event.version}: the weights have the SHA-256 {said}, not {event.artefact_digest}"
        card = json.loads(found.objects.get(event.card_key))
        same = (card["version"], card["artefact_digest"], card["label_revision"])
        if same != (event.version, event.artefact_digest, event.label_revision):
            yield f"version {event.version}: its card says {same}"
        if card["metrics"] != dict(event.metrics):
            yield f"version {event.version}: card and event have other metrics"


def checkpoints_are_gone(found: Evidence) -> Iterator[str]:
    """Section 6: a run that has ended leaves no checkpoint."""
    left = [info.key for info in found.objects.list(f"campaigns/{found.campaign}/models/")]
    if kept := [key for key in left if "/checkpoints/" in key]:
        yield f"checkpoints are left: {kept}"


def labels_are_what_the_bytes_say(found: Evidence) -> Iterator[str]:
    """A vendor knows an image by its bytes: what it was shown is the image that the label is kept for."""
    query = "SELECT id, key, verdicts FROM images WHERE campaign = :c AND label_set_version > 0"
    for row in found.rows("label_store", query) if found.truth else ():
        digest = hashlib.sha256(found.pool.get(row.key)).hexdigest()
        if _positive(row.verdicts) != found.truth[digest]:
            yield f"{row.key} is {sorted(found.truth[digest])} and labelled {sorted(_positive(row.verdicts))}"


def the_pool_is_untouched(found: Evidence) -> Iterator[str]:
    """Section 6: Aloft never writes or deletes there."""
    if found.pool_before:
        now = {info.key: hashlib.sha256(found.pool.get(info.key)).hexdigest() for info in found.pool.list()}
        if now != dict(found.pool_before):
            yield f"the pool bucket changed: {sorted(set(now.items()) ^ set(found.pool_before.items()))}"


CHECKS: tuple[Check, ...] = (
    acknowledged_annotations_are_kept,
    overlap_is_never_exceeded,
    an_expired_lease_changes_nothing,
    revisions_have_no_gap_and_arrive_in_order,
    every_event_is_published_in_order,
    every_event_is_handled,
    both_sides_agree_on_images,
    batches_are_numbered_and_one_is_open,
    every_accepted_image_has_one_end,
    the_ranking_covers_the_pool,
    what_cannot_be_used_is_known_everywhere,
    a_run_ends_with_its_one_version,
    every_batch_was_learned_from,
    artefacts_are_what_was_published,
    checkpoints_are_gone,
    labels_are_what_the_bytes_say,
    the_pool_is_untouched,
)


def check(found: Evidence) -> None:
    """Fail with everything that does not hold."""
    broken = [f"{one.__name__}: {what}" for one in CHECKS for what in one(found)]
    assert not broken, "after the run:\n" + "\n".join(broken)


def _positive(verdicts: Any) -> frozenset[str]:
    """Read the positive labels out of a stored verdict document."""
    document = json.loads(verdicts) if isinstance(verdicts, str) else verdicts
    return frozenset(
        label for label, verdict in document.items() if verdict in (VERDICT_POSITIVE, "positive")
    )

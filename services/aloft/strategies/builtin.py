"""The names that Aloft brings, and what each is, needs and costs."""

from aloft.strategies.entry import JOINED, Entry, Kind, Needs, Parameter

_LOGITS = Needs(logits=True)
_READS_LOGITS = "reads logits; memory: an id and a number an image"
_READS_COLUMN = "reads one column; memory: an id and a number an image"
_CANDIDATES = Needs(candidates=True, covered=True)
_COVERING = Needs(features=True, covered=True)
_CANDIDATES_EACH = Parameter(
    "h", "Candidates for each image of the batch: more spread it over less uncertain ones.", 4, 1, 100
)
_READS_CANDIDATES = "reads features of a few candidates for each image of the batch; memory: those"

SCORES = (
    Entry(
        "entropy",
        Kind.SCORE,
        "How undecided the network is of each label, in bits.",
        "aloft.strategies.entropy:per_label",
        _LOGITS,
        _READS_LOGITS,
        wrappers=JOINED,
        wrapper="mean",
    ),
    Entry(
        "margin",
        Kind.SCORE,
        "How near each label's probability is to one half.",
        "aloft.strategies.margin:per_label",
        _LOGITS,
        _READS_LOGITS,
        wrappers=JOINED,
        wrapper="mean",
    ),
    Entry(
        "mge",
        Kind.SCORE,
        "The length of the gradient that the network's own answer would give its last layer.",
        "aloft.strategies.mge:scorer",
        _LOGITS,
        _READS_LOGITS,
        wrappers=("class_balanced",),
    ),
    Entry(
        "mtd",
        Kind.SCORE,
        "How far what the network says has moved since the version before; `mge` where there was none.",
        "aloft.strategies.mtd:scorer",
        Needs(logits=True, earlier=True),
        "reads logits of two versions; memory: an id and two bytes a label an image",
    ),
    Entry(
        "mll",
        Kind.SCORE,
        "The loss that a head trained beside the classifier expects.",
        "aloft.strategies.mll:scorer",
        Needs(columns=("mll",)),
        _READS_COLUMN,
    ),
    Entry(
        "bald",
        Kind.SCORE,
        "How much passes with dropout before the head disagree, on average over labels.",
        "aloft.strategies.bald:scorer",
        Needs(columns=("bald",)),
        _READS_COLUMN,
    ),
    Entry(
        "rare_positive",
        Kind.SCORE,
        "How many labels an image is expected to bring, each weighed by how rare it is so far.",
        "aloft.strategies.rare_positive:scorer",
        _LOGITS,
        _READS_LOGITS,
        wrappers=("class_balanced",),
        wrapper="class_balanced",
    ),
)

WRAPPERS = (
    Entry("mean", Kind.WRAPPER, "Joins the labels of a score by their mean, as they are without it."),
    Entry("max", Kind.WRAPPER, "Joins the labels of a score by the largest."),
    Entry(
        "class_balanced",
        Kind.WRAPPER,
        "Weighs each label by how few of the labelled images have it: w_c ∝ 1/(n_c + 1).",
    ),
)

DIVERSITIES = (
    Entry(
        "kmeans",
        Kind.DIVERSITY,
        "Of the best-scored, one image from each of as many clusters as the batch has images.",
        "aloft.strategies.spread:select",
        Needs(candidates=True),
        _READS_CANDIDATES,
        (_CANDIDATES_EACH,),
    ),
    Entry(
        "kcenter",
        Kind.DIVERSITY,
        "Of the best-scored, those farthest from all that is labelled, out or picked.",
        "aloft.strategies.kcenter:select",
        _CANDIDATES,
        _READS_CANDIDATES,
        (_CANDIDATES_EACH,),
    ),
    Entry(
        "herding",
        Kind.DIVERSITY,
        "Uncertainty herding: what stands for the most images not yet stood for, each counted by its score.",
        "aloft.strategies.herding:select",
        _CANDIDATES,
        "reads features of a sample; memory: those, and their likeness to one another",
    ),
)

ALONE = (
    Entry(
        "random",
        Kind.ALONE,
        "Every unlabelled image is as likely as any other.",
        "aloft.strategies.random_draw:STRATEGY",
        Needs(),
        "reads ids",
    ),
    Entry(
        "centroids",
        Kind.ALONE,
        "The images nearest to the centres of k-means over the pool.",
        "aloft.strategies.centroids:STRATEGY",
        Needs(features=True),
        "reads all features up to three times; memory: a sample of them",
    ),
    Entry(
        "auto",
        Kind.ALONE,
        "From coverage to uncertainty, by a rule on what the version has learned from.",
        needs=Needs(features=True, logits=True, candidates=True, covered=True),
        cost="that of what it means under a version",
    ),
    Entry(
        "random_balanced",
        Kind.ALONE,
        "A draw in which an image is as likely as it is expected to bring rare labels.",
        "aloft.strategies.random_balanced:STRATEGY",
        _LOGITS,
        _READS_LOGITS,
    ),
    Entry(
        "typiclust",
        Kind.ALONE,
        "From the clusters that labels cover least, the most typical image of each.",
        "aloft.strategies.typiclust:STRATEGY",
        _COVERING,
        "reads all features up to three times; memory: a sample of them",
    ),
    Entry(
        "kcenter",
        Kind.ALONE,
        "Again and again the image farthest from all that is labelled, out or picked.",
        "aloft.strategies.kcenter:STRATEGY",
        _COVERING,
        "reads all features once; memory: all of them in half precision",
    ),
    Entry(
        "badge",
        Kind.ALONE,
        "A draw of images whose gradients are long and unlike one another.",
        "aloft.strategies.badge:STRATEGY",
        Needs(features=True, logits=True),
        "reads all features and logits; memory: all of them in half precision",
    ),
    Entry(
        "herding",
        Kind.ALONE,
        "Again and again the image that stands for the most images not yet stood for.",
        "aloft.strategies.herding:STRATEGY",
        _COVERING,
        "reads all features once; memory: a sample of them, and their likeness to one another",
    ),
)

ENTRIES = (*ALONE, *SCORES, *WRAPPERS, *DIVERSITIES)

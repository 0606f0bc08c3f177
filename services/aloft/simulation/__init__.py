"""Active learning played through on images whose labels are known: `aloft simulate`.

Owns the experiment: reading images and labels, the split, imbalance, pre-training, the rounds of each arm,
and the files that say what came of it. Strategies, learning and networks are those that the services run; the
labels of the pool reach a strategy in no other way than they reach the service: after it asked for them.
"""

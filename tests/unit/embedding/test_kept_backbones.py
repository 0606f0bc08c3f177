from aloft.embedding.domain import kept_backbones


def test_the_current_backbone_and_the_one_before_are_kept() -> None:
    assert kept_backbones([(1, "a"), (2, "b"), (3, "c")], announced=3) == {"b", "c"}


def test_what_may_become_current_is_kept_beside_both() -> None:
    assert kept_backbones([(1, "a"), (2, "b"), (3, "c"), (4, "d")], announced=3) == {"b", "c", "d"}


def test_the_one_before_is_the_last_that_differs() -> None:
    assert kept_backbones([(1, "a"), (2, "b"), (3, "c"), (5, "c"), (6, "c")], announced=6) == {"b", "c"}


def test_versions_that_share_a_backbone_need_but_one() -> None:
    assert kept_backbones([(1, "a"), (2, "a"), (3, "a")], announced=3) == {"a"}


def test_until_something_is_announced_all_are_kept() -> None:
    assert kept_backbones([(1, "a"), (2, "b"), (3, "c")], announced=None) == {"a", "b", "c"}

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aloft import strategies
from aloft.kit.errors import InvalidArgument
from aloft.strategies.entry import Entry, Kind, Parameter
from aloft.strategies.query import Call

SCORES = [one for one in strategies.entries() if one.kind is Kind.SCORE]
DIVERSITIES = [one for one in strategies.entries() if one.kind is Kind.DIVERSITY]
WHOLES = [one.name for one in strategies.entries() if one.kind is Kind.ALONE]


@st.composite
def expressions(draw: st.DrawFn) -> str:
    """Write an expression that means something, with spaces wherever they may be."""
    if draw(st.booleans()):
        words = [draw(st.sampled_from(WHOLES))]
    else:
        score = draw(st.sampled_from(SCORES))
        words = [score.name]
        wrapped = draw(st.booleans())
        if score.wrappers and wrapped:
            words = [draw(st.sampled_from(score.wrappers)), "(", *words, ")"]
        if draw(st.booleans()):
            words += ["+", *draw(calls(draw(st.sampled_from(DIVERSITIES))))]
    space = st.sampled_from(["", " ", "\t", "\n "])
    return "".join(draw(space) + word for word in words) + draw(space)


@st.composite
def calls(draw: st.DrawFn, entry: Entry) -> list[str]:
    words = [entry.name]
    said = draw(st.booleans())
    if entry.parameters and said:
        given = draw(st.lists(st.sampled_from(entry.parameters), min_size=1, unique_by=lambda one: one.name))
        settings = [[one.name, "=", str(draw(st.integers(int(one.least), int(one.most))))] for one in given]
        inside = [word for setting in settings for word in (",", *setting)][1:]
        words += ["(", *inside, ")"]
    return words


@given(expressions())
def test_a_canonical_spelling_is_its_own(expression: str) -> None:
    once = strategies.canonical(expression)
    assert strategies.canonical(once) == once
    assert not set(once) & set(" \t\n")
    assert strategies.needs(once) == strategies.needs(expression)


PIECES = ["entropy", "mge", "max", "class_balanced", "kmeans", "random", "auto", "h", "+", "(", ")", "=", ","]


@given(st.one_of(st.text(max_size=40), st.lists(st.sampled_from([*PIECES, "8", "x", " "])).map("".join)))
@settings(max_examples=150)
def test_whatever_is_written_is_understood_or_refused_and_nothing_else(expression: str) -> None:
    try:
        strategies.check(expression, "a.field")
    except InvalidArgument as refusal:
        said = refusal.violations
    else:
        return
    assert [one.field for one in said] == ["a.field"]
    assert said[0].description


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("mge + kmeans", "mge+kmeans"),
        ("mean(entropy)", "entropy"),
        ("max( margin )+kmeans", "max(margin)+kmeans"),
        ("class_balanced(rare_positive)", "rare_positive"),
        ("class_balanced(mge)+kmeans(h=4)", "class_balanced(mge)+kmeans"),
        ("entropy+kmeans(h=08)", "entropy+kmeans(h=8)"),
        (" kcenter ", "kcenter"),
        ("class_balanced(margin)+herding", "class_balanced(margin)+herding"),
    ],
)
def test_what_is_so_anyway_is_not_spelled_out(written: str, canonical: str) -> None:
    assert strategies.check(written) == canonical


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ("", "a strategy or a score is missing (at the end of '')"),
        ("+kmeans", "a strategy or a score should be here (at character 1 of '+kmeans')"),
        ("entropy+", "a diversity is missing (at the end of 'entropy+')"),
        ("max", "max goes around a score, as in max(entropy) (at the end of 'max')"),
        ("max()", "max() has nothing in it: it goes around entropy, margin (at character 5 of 'max()')"),
        ("max(entropy", "a ( is not closed (at character 4 of 'max(entropy')"),
        ("max(entropy kmeans", "'kmeans' where a ) should be (at character 13 of 'max(entropy kmeans')"),
        ("entropy)", "a ) that no ( opened (at character 8 of 'entropy)')"),
        ("entropy kmeans", "'kmeans' where the expression should end or go on with + (at character 9 of "),
        ("entropy+margin", "margin goes before the +, and a diversity is wanted here (at character 9 of "),
        ("entropy+random", "random stands alone, and a diversity is wanted here (at character 9 of "),
        ("max(random)", "random stands alone, and a score is wanted here (at character 5 of "),
        ("random+kmeans", "random stands alone: nothing goes after it (at character 7 of "),
        (
            "kmeans",
            "kmeans spreads what a score ranks: it goes after one, as in entropy+kmeans (at character 1 ",
        ),
        ("mge+kmeans+kmeans", "a score takes one diversity, and mge+kmeans has it (at character 11 of "),
        ("max(mge)", "max() cannot go around mge: it goes around entropy, margin (at character 5 of "),
        (
            "class_balanced(bald)",
            "class_balanced() cannot go around bald: it goes around entropy, margin, mge",
        ),
        (
            "max(mean(entropy))",
            "mean() is inside max(): the labels of a score are joined once (at character 5 ",
        ),
        ("random(h=1)", "random has no parameters: leave out what is in parentheses (at character 7 of "),
        (
            "mge+kmeans(8)",
            "a parameter is written by name, as in kmeans(h=4). kmeans has: h (integer from 1 to ",
        ),
        ("mge+kmeans(k=8)", "kmeans has no parameter 'k'. It has: h (integer from 1 to 100, default 4) (at "),
        (
            "mge+kmeans(h)",
            "h has no value: a parameter is written as in kmeans(h=4). It is h (integer from 1 ",
        ),
        (
            "mge+kmeans(h=0)",
            "0 is out of what kmeans takes: h (integer from 1 to 100, default 4) (at character ",
        ),
        ("mge+kmeans(h=1.5)", "1.5 is out of what kmeans takes: h (integer from 1 to 100, default 4) (at "),
        ("mge+kmeans(h=2,h=3)", "kmeans is given h twice (at character 16 of "),
        ("entropy;", "';' has no meaning in an expression (at character 8 of "),
        ("entropy" * 40, "an expression has 200 characters at most, not 280"),
    ],
)
def test_each_mistake_gets_its_own_sentence_and_its_place(expression: str, sentence: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        strategies.check(expression)
    assert refused.value.message.startswith(sentence)
    assert refused.value.reason == "INVALID_STRATEGY"
    assert refused.value.violations[0].field == "campaign.strategy.expression"


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ("entrpy", "no strategy or score is called 'entrpy'; did you mean entropy? There are: "),
        ("Centroid", "no strategy or score is called 'Centroid'; did you mean centroids? There are: "),
        ("max(margni)", "no score is called 'margni'; did you mean margin? There are: "),
        ("mge+kmean", "no diversity is called 'kmean'; did you mean kmeans? There are: "),
        ("zzz", "no strategy or score is called 'zzz'; There are: "),
    ],
)
def test_an_unknown_name_is_refused_with_the_near_ones_and_all_of_them(
    expression: str, sentence: str
) -> None:
    with pytest.raises(InvalidArgument) as refused:
        strategies.check(expression)
    assert refused.value.message.startswith(sentence)
    assert refused.value.reason == "UNKNOWN_STRATEGY"


def test_a_number_is_read_by_the_type_of_its_default() -> None:
    share = Parameter("share", "How much.", 0.5, 0.0, 1.0)
    assert (share.type, share.read("1"), share.read("1e-2")) == ("number", 1.0, 0.01)
    assert share.read("1e999") is share.read("-1") is None
    assert str(Call(Entry("x", Kind.SCORE, "", parameters=(share,)), {"share": 0.25})) == "x(share=0.25)"

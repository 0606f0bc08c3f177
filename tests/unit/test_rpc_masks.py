"""Update masks and etags: a client changes what it names, and nothing that it may not."""

from typing import Any

import pytest
from google.longrunning.operations_pb2 import Operation
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FieldOptions
from google.protobuf.field_mask_pb2 import FieldMask
from google.rpc.status_pb2 import Status
from hypothesis import given
from hypothesis import strategies as st

from aloft.kit.errors import Aborted, InvalidArgument
from aloft.kit.rpc import etags
from aloft.kit.rpc.masks import apply

# A message with texts, a number and a nested message: any would do.
Thing: Any = FieldDescriptorProto
MUTABLE = ("name", "number", "options.deprecated", "json_name")
VALUES = {"name": st.text(max_size=3), "number": st.integers(0, 9), "json_name": st.text(max_size=3)}
THINGS = st.fixed_dictionaries({}, optional=VALUES).map(lambda fields: Thing(**fields))


@given(THINGS, THINGS, st.sets(st.sampled_from(sorted(VALUES))))
def test_what_the_mask_names_is_the_sources_and_the_rest_as_it_was(
    before: Any, source: Any, named: set[str]
) -> None:
    target = Thing()
    target.CopyFrom(before)
    applied = apply(FieldMask(paths=sorted(named)), target, source, MUTABLE)
    if named:
        assert set(applied) == named, "it says that other paths were applied"
    else:
        assert set(applied) == {field.name for field, _ in source.ListFields()}, (
            "no mask: not the fields given"
        )
    for field in VALUES:
        expected = source if field in applied else before
        assert getattr(target, field) == getattr(expected, field), f"{field} has the wrong value"
        assert target.HasField(field) == expected.HasField(field), f"{field} is set where it should not be"


def test_a_star_clears_what_the_source_does_not_have() -> None:
    target = Thing(name="a", number=1)
    apply(FieldMask(paths=["*"]), target, Thing(name="b"), MUTABLE)
    assert target == Thing(name="b"), f"after * it is {target}"


def test_a_nested_field_changes_alone() -> None:
    target = Thing(options=FieldOptions(deprecated=False, packed=True))
    apply(
        FieldMask(paths=["options.deprecated"]), target, Thing(options=FieldOptions(deprecated=True)), MUTABLE
    )
    assert target.options == FieldOptions(deprecated=True, packed=True), "a neighbour changed too"


def test_lists_are_replaced_and_messages_are_whole() -> None:
    target = Operation(error=Status(code=1, details=[], message="old"))
    apply(FieldMask(paths=["error"]), target, Operation(error=Status(code=2)), ["error"])
    assert target.error == Status(code=2), "a message was merged"
    apply(FieldMask(paths=["error"]), target, Operation(), ["error"])
    assert not target.HasField("error"), "a message that the source lacks stayed"
    status = Status()
    status.details.add().type_url = "old"
    apply(FieldMask(paths=["details"]), status, Status(), ["details"])
    assert not status.details, "a list was merged"


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("nmae", "'nmae' is no field of FieldDescriptorProto"),
        ("name.first", "'name.first' is no field"),
        ("type_name", "'type_name' cannot be changed; what can: json_name, name, number, options.deprecated"),
        ("options", "'options' cannot be changed"),
        ("options.packed", "'options.packed' cannot be changed"),
    ],
)
def test_a_path_that_is_unknown_or_fixed_is_refused_and_nothing_changes(path: str, says: str) -> None:
    target = Thing(name="before")
    with pytest.raises(InvalidArgument) as refused:
        apply(FieldMask(paths=["name", path]), target, Thing(name="after"), MUTABLE)
    assert says in refused.value.message, f"it says {refused.value.message}"
    assert [one.field for one in refused.value.violations] == ["update_mask"], "the field is not named"
    assert target == Thing(name="before"), "a refused update changed something"


def test_an_etag_changes_with_its_parts_and_an_old_one_is_refused() -> None:
    old, new = etags.etag("campaigns/a", 1), etags.etag("campaigns/a", 2)
    assert old != new, "two states have one etag"
    etags.check("", new)
    etags.check(new, new)
    with pytest.raises(Aborted, match="read it again") as refused:
        etags.check(old, new)
    assert refused.value.reason == "ETAG_MISMATCH", "the reason does not say what was wrong"

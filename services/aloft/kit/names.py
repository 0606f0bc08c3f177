"""Resource names (AIP-122), `campaigns/{campaign}/images/{image}` and its like, in one place."""

import re

from aloft.kit.errors import InvalidArgument

_PART = r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}"


class ResourceName:
    """The pattern of one kind of name: makes names, and takes one apart or says what is wrong with it."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.variables = tuple(re.findall(r"\{(\w+)\}", pattern))
        self._expression = re.compile(re.sub(r"\{(\w+)\}", rf"(?P<\1>{_PART})", pattern))

    def format(self, *parts: str | int) -> str:
        """Make the name of the resource with these ids, in the order of the pattern."""
        if len(parts) != len(self.variables):
            raise ValueError(f"{self.pattern} takes {len(self.variables)} ids, not {len(parts)}")
        return self.pattern.format(**dict(zip(self.variables, parts, strict=True)))

    def parse(self, name: str, field: str = "name") -> tuple[str, ...]:
        """Take a name apart into its ids, or raise `InvalidArgument` for that field of the request."""
        found = self._expression.fullmatch(name)
        if found is None:
            said = repr(name) if name else "nothing"
            raise InvalidArgument.of(field, f"give a name like {self.pattern}, not {said}", "INVALID_NAME")
        return found.groups()

    def parse_numbered(self, name: str, field: str = "name") -> tuple[str, int]:
        """Take apart a name of a campaign's numbered thing: the campaign, and the number."""
        campaign, number = self.parse(name, field)
        if not number.isdecimal() or len(number) > 18:
            what = self.variables[-1]
            raise InvalidArgument.of(
                field, f"{what} is a number in {self.pattern}, not {number!r}", "INVALID_NAME"
            )
        return campaign, int(number)


CAMPAIGN = ResourceName("campaigns/{campaign}")
IMAGE = ResourceName("campaigns/{campaign}/images/{image}")
TASK = ResourceName("campaigns/{campaign}/tasks/{task}")
BATCH = ResourceName("campaigns/{campaign}/batches/{batch}")
MODEL = ResourceName("campaigns/{campaign}/models/{version}")
RANKING = ResourceName("campaigns/{campaign}/rankings/{ranking}")
SELECTION = ResourceName("campaigns/{campaign}/selection")
RUN = ResourceName("campaigns/{campaign}/runs/{run}")
VENDOR = ResourceName("vendors/{vendor}")
OPERATOR = ResourceName("operators/{operator}")
ADMIN = ResourceName("admins/{admin}")
API_KEY = ResourceName("apiKeys/{api_key}")


def campaign_of(parent: str) -> str:
    """Take the campaign's id from the `parent` of a request."""
    return CAMPAIGN.parse(parent, "parent")[0]

"""What a button can be set to: defaults, ranges, and the code of an error in each (chapter 2 and the appendices)."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

DIGITS = re.compile(r"[0-9]{3,15}")
NO_NUMBER = "-1"
"""A destination that is not in use (000:168)."""


def within(least: int, most: int) -> Callable[[str], bool]:
    """Whether a text is a whole number in a range."""

    def check(text: str) -> bool:
        return bool(re.fullmatch(r"[+-]?[0-9]{1,6}", text)) and least <= int(text) <= most

    return check


def at_most(length: int) -> Callable[[str], bool]:
    """Whether a text has at most so many characters."""
    return lambda text: len(text) <= length


def _is_number(text: str) -> bool:
    return text == NO_NUMBER or bool(DIGITS.fullmatch(text))


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter that is kept. `default` None: it is the account's, or there is none."""

    default: str | None
    check: Callable[[str], bool]
    error: str
    """The code for a value that is missing or out of range (appendix B)."""
    may_be_empty: bool = False
    """Whether an empty value is one: texts can be emptied, numbers cannot."""


def _destinations() -> dict[str, Field]:
    fields: dict[str, Field] = {}
    for number in (1, 2, 3):
        most = 999 if number == 1 else 9999  # the appendix has 9999 for the second and third (I-36)
        fields |= {
            f"dest{number}_cty": Field("1", within(1, most), "221"),
            f"dest{number}_num": Field(NO_NUMBER, _is_number, "221"),
            f"dest{number}_post": Field("", at_most(10), "220", may_be_empty=True),
            f"dest{number}_issms": Field("0", within(0, 1), "219"),
        }
    return fields


FIELDS: Mapping[str, Field] = {
    **_destinations(),
    "pin": Field(None, within(1000, 9999), "207"),
    "tzo": Field(None, within(-12, 12), "205"),
    "lang": Field(None, lambda text: text in ("en", "fr", "sp"), "208"),
    "vm_delay": Field("255", within(0, 255), "209"),
    "schd_en": Field("0", within(0, 1), "210"),
    "schd_start": Field("540", within(0, 1440), "211"),
    "schd_stop": Field("1020", within(0, 1440), "212"),
    "schd_days": Field("62", within(0, 127), "213"),
    "max_tier": Field("0", within(0, 5), "214"),  # 0-4 in the text, 0-5 in the appendix (I-36)
    "refer_url": Field("", at_most(30), "218", may_be_empty=True),
    "cty": Field("1", within(0, 999), "215"),  # 0 is for all countries (I-36)
    "panel_txt_en": Field("0", within(0, 1), "216"),
    "panel_txt": Field("", at_most(80), "217", may_be_empty=True),
    "img_url": Field("", at_most(80), "217", may_be_empty=True),  # it has no code of its own (I-42)
    "type_dest": Field("ph", lambda text: text in ("ph", "vm", "bl"), "204"),
    "numlist": Field("", at_most(250), "222", may_be_empty=True),
}
"""Every parameter that a button keeps, by the name that is sent."""
SPELLINGS = {f"sched_{name}": f"schd_{name}" for name in ("en", "start", "stop", "days")}
"""Names of section 2.1 that the appendix and the table of errors spell otherwise (I-31)."""
DESTINATIONS = tuple(name for name in FIELDS if name.startswith("dest"))


@dataclass(frozen=True, slots=True)
class Group:
    """Parameters that a method pair `NAME.get` and `NAME.set` is about."""

    name: str
    fields: tuple[str, ...]


GROUPS = {
    group.name: group
    for group in (
        Group("c2c.typedest", ("type_dest",)),
        Group("c2c.phdest", DESTINATIONS),
        Group("c2c.vm", ("vm_delay",)),
        Group("c2c.schd", ("schd_en", "schd_start", "schd_stop", "schd_days")),
        Group("c2c.actrl", ("max_tier", "refer_url", "cty")),
        Group("c2c.ui", ("panel_txt_en", "panel_txt", "img_url")),
        Group("c2c.geninfo", ("tzo", "lang")),
        Group("gen.scrng.bl", ("numlist",)),
        Group("gen.scrng.vm", ("numlist",)),
        Group("gen.scrng.ph", ("numlist",)),
    )
}
"""Chapters 2 and 3."""
NEW_FIELDS = tuple(name for name in FIELDS if name not in ("type_dest", "numlist"))
"""What c2c.new takes."""

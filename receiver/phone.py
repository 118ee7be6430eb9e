"""Finding one phone number in bytes, however it is written, and blanking it."""

import re
from collections.abc import Callable

from receiver.errors import ReceiverError

FEWEST_DIGITS = 6
"""Of a number without its prefixes; shorter ones are found in times and sizes, too."""

_GAP = rb"(?:[-\s.()/\x00]|%20|\+){0,3}"
"""What may stand between two digits: also the zero bytes of UTF-16."""
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'


class NumberError(ReceiverError):
    """What was given is no phone number."""


def significant_digits(number: str, country_code: str) -> str:
    """The digits that all spellings of a number share. Raises NumberError.

    "050-123 4567", "+972501234567" and "00972501234567" are all "501234567" with the country code 972.
    """
    digits = re.sub(r"\D", "", number)
    if re.search(r"[^\d\s()+./-]", number) or not digits.isascii():
        raise NumberError(f"{number!r} is no phone number")
    digits = digits.removeprefix("00")
    if country_code and digits.startswith(country_code) and len(digits) - len(country_code) >= FEWEST_DIGITS:
        digits = digits.removeprefix(country_code)
    digits = digits.removeprefix("0")
    if len(digits) < FEWEST_DIGITS:
        raise NumberError(f"{number!r} is too short: fewer than {FEWEST_DIGITS} digits stand in many other places, too")
    return digits


def masking(number: str, country_code: str) -> Callable[[bytes, str], bytes]:
    """A function that replaces each digit of that number in bytes by "*". Raises NumberError.

    It takes the format of the bytes too: a bare number in JSON becomes a string, so that the JSON stays readable.
    """
    digits = significant_digits(number, country_code).encode()
    plus = rb"(?:\+|%2[Bb]|00)"
    country = plus + rb"?" + _GAP + _spaced(country_code.encode()) + _GAP + rb"0?|" if country_code else rb""
    pattern = rb"(?<![0-9])(?:(?:" + country + plus + rb"|0)" + _GAP + rb")?" + _spaced(digits) + rb"(?![0-9])"
    anywhere = re.compile(pattern)
    in_json = re.compile(rb"(?P<string>" + _STRING + rb")|" + pattern, re.DOTALL)

    def mask(content: bytes, format_: str) -> bytes:
        if format_ != "json" or b"\0" in content or not anywhere.search(content):
            return anywhere.sub(_stars, content)
        return in_json.sub(_stars_in_json, content)

    def _stars_in_json(found: re.Match[bytes]) -> bytes:
        string = found["string"]
        return anywhere.sub(_stars, string) if string else b'"' + _stars(found) + b'"'

    return mask


def _spaced(digits: bytes) -> bytes:
    return _GAP.join(re.escape(digits[at : at + 1]) for at in range(len(digits)))


def _stars(found: re.Match[bytes]) -> bytes:
    return re.sub(rb"%2[0Bb]|[0-9]", lambda part: part[0] if len(part[0]) > 1 else b"*", found[0])

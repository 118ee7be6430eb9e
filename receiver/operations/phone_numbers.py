"""Redact one phone number in bytes, in every notation that providers use."""

import re
from collections.abc import Callable

from receiver.errors import ReceiverError

FEWEST_DIGITS = 6
"""Of a number without its prefixes; a shorter one would also match times and sizes."""

_GAP = (
    rb"(?:[-\s.()/\x00+]|%2[089DdEeFf]|%[aA]0|\\u00(?:2[089dDeEfF]|[aA]0)|\\u201[0-5]|\\/"
    rb"|&#0*(?:32|4[01567]|160);|\xe2\x80[\x90-\x95]|\xc2\xa0){0,4}"
)
"""What may stand between two digits, plain or escaped: blanks, hyphens, dots, and the zero bytes of UTF-16."""
_PLUS = rb"(?:\+|%2[Bb]|\\u002[bB]|&#0*43;)"
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)'
"""One without its end goes on to that of the text: tried at each quote anew, it would take quadratic time."""


class NumberError(ReceiverError):
    """The argument is not a usable phone number."""


def significant_digits(number: str, country_code: str) -> str:
    """The digits that all notations of a number share. Raises NumberError.

    "050-123 4567", "+972501234567" and "00972501234567" are all "501234567" with the country code 972.
    """
    digits = re.sub(r"\D", "", number)
    if re.search(r"[^\d\s()+./-]", number) or not digits.isascii():
        raise NumberError(f"{number!r} is not a phone number")
    digits = digits.removeprefix("00")
    if country_code and digits.startswith(country_code) and len(digits) - len(country_code) >= FEWEST_DIGITS:
        digits = digits.removeprefix(country_code)
    digits = digits.removeprefix("0")
    if len(digits) < FEWEST_DIGITS:
        raise NumberError(f"{number!r} is too short: fewer than {FEWEST_DIGITS} digits would match other values too")
    return digits


def number_redactor(number: str, country_code: str) -> Callable[[bytes, str], bytes]:
    """A function that replaces each digit of that number in bytes by "*". Raises NumberError.

    It takes the format of the bytes too: a bare number in JSON becomes a string, so that the JSON stays readable.
    """
    digits = significant_digits(number, country_code).encode()
    prefix = rb"(?:" + _PLUS + rb"|" + _digits(b"00", b"") + rb")"
    country = (
        prefix + rb"?" + _GAP + _digits(country_code.encode()) + _GAP + _digit(b"0") + rb"?|" if country_code else rb""
    )
    zero = rb"|" + _digit(b"0")
    pattern = _START + rb"(?:(?:" + country + prefix + zero + rb")" + _GAP + rb")?" + _digits(digits) + rb"(?![0-9])"
    anywhere = re.compile(pattern)
    in_json = re.compile(rb"(?P<string>" + _STRING + rb")|-?" + pattern + rb"(?:\.[0-9]+)?", re.DOTALL)

    def mask(content: bytes, format_: str) -> bytes:
        if format_ != "json" or b"\0" in content or not anywhere.search(content):
            return anywhere.sub(_stars, content)
        return in_json.sub(_stars_in_json, content)

    def _stars_in_json(found: re.Match[bytes]) -> bytes:
        string = found["string"]
        return anywhere.sub(_stars, string) if string else b'"' + _stars(found) + b'"'

    return mask


_START = rb"(?:(?<![0-9])|(?<=%2[0-9]))"


def _digits(digits: bytes, between: bytes = _GAP) -> bytes:
    return between.join(_digit(digits[at : at + 1]) for at in range(len(digits)))


def _digit(digit: bytes) -> bytes:
    """A digit as it is, or escaped for a URL, JSON or XML."""
    number = b"%d" % ord(digit)
    return rb"(?:" + digit + rb"|%3" + digit + rb"|\\u003" + digit + rb"|&#(?:0*" + number + rb"|x0*3" + digit + rb");)"


_PARTS = re.compile(
    rb"%3[0-9]|\\u003[0-9]|&#(?:0*(?:4[89]|5[0-7])|x0*3[0-9]);"
    rb"|(?P<kept>%..|\\u....|&#[^;]{1,6};)|[0-9]"
)


def _stars(found: re.Match[bytes]) -> bytes:
    return _PARTS.sub(lambda part: part["kept"] or b"*", found[0])

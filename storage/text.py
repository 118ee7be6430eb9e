"""Text that every database accepts."""


def clean(value: str, longest: int = 100_000) -> str:
    """The text without NUL characters and lone surrogates, and with a limited length."""
    if len(value) <= longest and value.isascii() and "\0" not in value:
        return value
    return value[:longest].replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def one_line(value: str) -> str:
    """Text without line breaks of any kind, for columns that hold one entry a line."""
    if value.isprintable():
        return clean(value)
    return " ".join(clean(value).splitlines())

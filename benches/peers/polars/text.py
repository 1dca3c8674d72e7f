"""Expressions that clean texts, as `attrib ingest` does."""

import polars as pl

NULL_WORDS = ["", "null", "undefined", "(not set)", "nan"]


def cleaned(text):
    """Trimmed; null where it is a word for nothing."""
    trimmed = text.str.strip_chars()
    return pl.when(~trimmed.str.to_lowercase().is_in(NULL_WORDS)).then(trimmed)


def filled(text):
    """Trimmed; null where it is empty."""
    trimmed = text.str.strip_chars()
    return pl.when(trimmed != "").then(trimmed)


def numeric_id(text):
    """`2315275013.0` is `2315275013`."""
    return cleaned(text).str.replace(r"^([0-9]+)\.0*$", "${1}")


def money(text):
    return cleaned(text).cast(pl.Decimal(38, 9), strict=False)


def is_no_number(text):
    """True where something is written that is no number, else null."""
    trimmed = text.str.strip_chars()
    is_nan = trimmed.str.to_lowercase() == "nan"
    is_wrong = cleaned(text).is_not_null() & money(text).is_null()
    return pl.when(is_nan | is_wrong).then(pl.lit(True))


def microseconds(text):
    """Seconds, milliseconds or microseconds since the epoch, or a time with a zone."""
    number = text.cast(pl.Int64, strict=False)
    written = (
        text.str.strip_chars()
        .str.replace(r"\s*([zZ]|UTC|GMT)$", "+00:00")
        .str.replace("T", " ")
        .str.to_datetime("%Y-%m-%d %H:%M:%S%.f%:z", time_unit="us", strict=False)
        .cast(pl.Int64)
    )
    return pl.coalesce(_epoch(number), pl.when(number.is_null()).then(_epoch(written)))


def _epoch(number):
    def between(scale):
        return (number >= 1_000_000_000 * scale) & (number < 4_102_444_800 * scale)

    return (
        pl.when(between(1_000_000))
        .then(number)
        .when(between(1_000))
        .then(number * 1_000)
        .when(between(1))
        .then(number * 1_000_000)
    )

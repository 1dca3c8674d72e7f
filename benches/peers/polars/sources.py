"""Where a visit came from: traffic sources of events, categories and channels of sources.

Polars computes all branches of a `when`, so what takes regular expressions is worked out
once for each distinct page and referrer, and joined.
"""

import csv
import re

import polars as pl

from text import cleaned

CLICK_IDS = [
    ("gclid", "google", "cpc"),
    ("gbraid", "google", "cpc"),
    ("wbraid", "google", "cpc"),
    ("dclid", "google", "cpc"),
    ("msclkid", "bing", "cpc"),
    ("ttclid", "tiktok", "cpc"),
    ("twclid", "twitter", "cpc"),
    ("li_fat_id", "linkedin", "cpc"),
    ("fbclid", "facebook", "social"),
    ("srsltid", "google", "organic"),
]
PARTS = ["source", "medium", "campaign"]


class Sources:
    """The project's categories, channel rules and ignored hosts, as expressions."""

    def __init__(self, categories_file, rules, ignored_hosts):
        with open(categories_file, encoding="utf-8", newline="") as file:
            lines = csv.DictReader(line for line in file if not line.startswith("#"))
            self.categories = {line["source"].lower(): line["category"] for line in lines}
        self.rules = rules
        hosts = "|".join(re.escape(host) for host in ignored_hosts)
        self.ignored = rf"(^|\.)({hosts})$"

    # Categories and channels

    def category(self, source):
        """By the text, else without `www.` or `m.`, else the name of a registrable domain.

        Public suffixes are told by form: see sources.sql of the DuckDB peer.
        """

        def listed(text):
            return text.replace_strict(self.categories, default=None, return_dtype=pl.String)

        whole = source.str.strip_chars().str.to_lowercase()
        bare = whole.str.replace(r"^(www|m)\.", "")
        suffix = r"(?:[a-z]{2,}|(?:co|com|org|net|ac|gov|edu|ne|or|go)\.[a-z]{2})"
        name = bare.str.extract(rf"^([^.]+)\.{suffix}$")
        return pl.coalesce(listed(whole), listed(bare), listed(name))

    def channels(self, sessions):
        """Adds the channel, worked out once for each kind of visit."""
        visits = sessions.select(*PARTS, "session_date").unique()
        branches = pl.lit("Unassigned")
        for rule in reversed(self.rules):
            condition = pl.any_horizontal(
                [
                    pl.all_horizontal([_test(field, test) for field, test in tests.items()])
                    for tests in rule["when"]
                ]
            )
            for key, compare in (("from", pl.Expr.ge), ("until", pl.Expr.lt)):
                if key in rule:
                    day = pl.lit(rule[key]).str.to_date()
                    condition = condition & compare(pl.col("session_date"), day)
            branches = pl.when(condition).then(pl.lit(rule["channel"])).otherwise(branches)
        channels = (
            visits.with_columns(
                self.category(pl.col("source")).alias("category"),
                *[pl.col(part).str.to_lowercase().alias(f"{part}_folded") for part in PARTS],
            )
            .select(*PARTS, "session_date", branches.alias("channel"))
        )
        return sessions.join(
            channels, on=[*PARTS, "session_date"], how="left", nulls_equal=True
        )

    # Traffic source of an event

    def of_events(self, events):
        """Adds `visit`, a struct of source, medium, campaign; null where an event has none."""
        pages = self.pages(events)
        referrers = self.referrers(events)
        hosts = self.named_hosts(events)
        joined = events.join(pages, on="page_location", how="left").join(
            referrers, on="page_referrer", how="left"
        )
        collected = [pl.col(f"collected_{part}") for part in PARTS]
        params = [pl.col(part) for part in PARTS]
        utm = [pl.col(f"utm_{part}") for part in PARTS]
        of_event = pl.col("click_id_type").replace_strict(
            {name: rank for rank, (name, *_) in enumerate(CLICK_IDS)},
            default=None,
            return_dtype=pl.Int64,
        )
        rank = pl.min_horizontal(of_event, pl.col("page_click_rank"))

        def of_click(place):
            texts = {rank: click[place] for rank, click in enumerate(CLICK_IDS)}
            return rank.replace_strict(texts, default=None, return_dtype=pl.String)

        click = [of_click(1), of_click(2), pl.lit(None, pl.String)]
        referral = [pl.col("referrer_source"), pl.col("referrer_medium"), pl.lit(None, pl.String)]
        is_referral = pl.col("referrer_source").is_not_null() & ~_is_same_or_parent(
            pl.col("referrer_source"), pl.col("page_host")
        )
        visit = (
            pl.when(self.is_information(*collected[:2], hosts))
            .then(_visit(collected))
            .when(self.is_information(*params[:2], hosts))
            .then(_visit(params))
            .when(self.is_information(*utm[:2], hosts))
            .then(_visit(utm))
            .when(rank.is_not_null())
            .then(_visit(click))
            .when(is_referral)
            .then(_visit(referral))
        )
        return joined.with_columns(visit.alias("visit"))

    def pages(self, events):
        """What each distinct page says: its host, UTM parameters and best click id."""
        page = pl.col("page_location")
        query = page.str.extract(r"^[^?#]*\?([^#]*)")
        ranks = [
            pl.when(cleaned(_parameter(query, name)).is_not_null()).then(pl.lit(rank))
            for rank, (name, *_) in enumerate(CLICK_IDS)
        ]
        return (
            events.select(page)
            .drop_nulls()
            .unique()
            .with_columns(
                _without_www(_host(page)).alias("page_host"),
                *[_parameter(query, f"utm_{part}").alias(f"utm_{part}") for part in PARTS],
                pl.min_horizontal(ranks).cast(pl.Int64).alias("page_click_rank"),
            )
            .with_columns(
                cleaned(
                    pl.col(f"utm_{part}").map_batches(_decode, return_dtype=pl.String)
                ).alias(f"utm_{part}")
                for part in PARTS
            )
        )

    def referrers(self, events):
        """What each distinct referrer stands for; those that are ignored are left out."""
        host = _without_www(_host(pl.col("page_referrer")))
        medium = (
            pl.when(self.category(pl.col("referrer_source")) == "search")
            .then(pl.lit("organic"))
            .otherwise(pl.lit("referral"))
        )
        return (
            events.select("page_referrer")
            .drop_nulls()
            .unique()
            .with_columns(host.alias("referrer_source"))
            .filter(~pl.col("referrer_source").str.contains(self.ignored))
            .with_columns(medium.alias("referrer_medium"))
        )

    def named_hosts(self, events):
        """The host of each distinct source that events name; an empty one is ignored."""
        names = pl.concat(
            [
                events.select(source=pl.col("source")),
                events.select(source=pl.col("collected_source")),
            ]
        )
        host = _without_www(pl.coalesce(_host(pl.col("source")), "source"))
        is_ignored = pl.col("host").str.contains(self.ignored)
        named = (
            names.drop_nulls()
            .unique()
            .with_columns(host.alias("host"))
            .with_columns(pl.when(is_ignored).then(pl.lit("")).otherwise("host").alias("host"))
            .collect(engine="streaming")
        )
        return dict(named.iter_rows())

    def is_information(self, source, medium, hosts):
        is_direct = (source.is_null() | (source.str.to_lowercase() == "(direct)")) & (
            medium.is_null() | medium.str.to_lowercase().is_in(["(none)", "(not set)"])
        )
        referral = pl.when(medium.str.to_lowercase() == "referral").then(source)
        # A source that stands in a UTM parameter alone is taken for a host as it is.
        host = referral.replace(hosts).str.to_lowercase()
        is_none = (host == "").fill_null(False) | _is_same_or_parent(host, pl.col("page_host"))
        return ~is_direct & ~is_none


def _is_same_or_parent(host, page_host):
    """Of hosts in lower case and without `www.`."""
    is_own = (host == page_host) | page_host.str.ends_with(pl.lit(".") + host)
    return is_own.fill_null(False)


def _visit(parts):
    return pl.struct(expression.alias(part) for expression, part in zip(parts, PARTS))


def _parameter(query, name):
    value = query.str.extract(rf"(?:^|&){name}=([^&]+)")
    return pl.when(query.str.contains(f"{name}=", literal=True)).then(value)


def _decode(texts):
    """Percent-decodes; Polars has no expression for it. Few values are distinct."""
    from urllib.parse import unquote_plus

    distinct = {text: unquote_plus(text) for text in texts.unique() if text is not None}
    return texts.replace_strict(distinct, default=None, return_dtype=pl.String)


def _host(url):
    """As the DuckDB peer's `host_of`."""
    trimmed = url.str.strip_chars()
    with_scheme = trimmed.str.extract(
        r"^(?:[A-Za-z][A-Za-z0-9+.-]*:)?//(?:[^/?#\\]*@)?(\[[^\]]*\]|[^/?#\\:@\s]*?)"
        r"\.?(?::[0-9]*)?(?:[/?#\\]|$)"
    )
    bare = trimmed.str.extract(
        r"^((?i:localhost)|[^/?#\\:@\s]*\.[^/?#\\:@\s]*?)\.?(?::[0-9]*)?(?:[/?#\\]|$)"
    )
    host = pl.coalesce(with_scheme, bare)
    return pl.when(host != "").then(host)


def _without_www(host):
    return host.str.to_lowercase().str.replace(r"^www\.(.)", "${1}")


def _test(field, test):
    ((kind, wanted),) = test.items()
    text = pl.col(f"{field}_folded")
    if kind == "category":
        return (pl.col("category") == wanted).fill_null(False)
    if kind == "is":
        listed = text.is_in([one.lower() for one in wanted if one is not None])
        return (listed | text.is_null() if None in wanted else listed).fill_null(None in wanted)
    if kind == "contains":
        return text.str.contains(wanted.lower(), literal=True).fill_null(False)
    if kind == "ends_with":
        return text.str.ends_with(wanted.lower()).fill_null(False)
    return text.str.contains(f"^(?s:{wanted})$").fill_null(False)

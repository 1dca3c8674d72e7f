-- Macros for where a visit came from. `ignored_hosts` is the regular expression of the
-- project's ignore_referrers; `source_categories` the table of source and category.

create or replace macro without_www(host) as regexp_replace(lower(host), '^www\.(.)', '\1');

-- The host of a URL as written, without user, port and a trailing dot; null where there is
-- none. Nearly all URLs take the first branch.
create or replace macro host_of(url) as
    case
        when regexp_matches(url, '^https?://[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(/|$)')
            then split_part(url, '/', 3)
        when regexp_matches(trim(url), '^([A-Za-z][A-Za-z0-9+.-]*:)?//')
            then nullif(
                regexp_extract(
                    trim(url),
                    '^(?:[A-Za-z][A-Za-z0-9+.-]*:)?//(?:[^/?#\\]*@)?(\[[^\]]*\]|[^/?#\\:@\s]*?)\.?(?::[0-9]*)?(?:[/?#\\]|$)',
                    1
                ),
                ''
            )
        else nullif(
            regexp_extract(
                trim(url),
                '^((?i:localhost)|[^/?#\\:@\s]*\.[^/?#\\:@\s]*?)\.?(?::[0-9]*)?(?:[/?#\\]|$)',
                1
            ),
            ''
        )
    end;

-- Of hosts in lower case and without `www.`; no null.
create or replace macro is_same_or_parent(host, page_host) as
    case
        when page_host is null then false
        when host = page_host then true
        else ends_with(page_host, '.' || host)
    end;

-- A referral from the site itself, or a parent of it, or an ignored host, is none.
create or replace macro is_own_or_ignored(host, page_host) as
    is_same_or_parent(host, page_host) or regexp_matches(host, getvariable('ignored_hosts'));

create or replace macro is_direct_source(source, medium) as
    (source is null or lower(source) = '(direct)')
    and (medium is null or lower(medium) in ('(none)', '(not set)'));

create or replace macro is_information(source, medium, page_host) as
    case
        when source is null and medium is null then false
        when is_direct_source(source, medium) then false
        when source is not null and lower(medium) = 'referral'
            then not is_own_or_ignored(
                without_www(coalesce(host_of(source), source)), page_host
            )
        else true
    end;

-- The first value of a parameter of a query string, as written. Names with escapes are not
-- looked for, nor a second parameter of the same name behind one that is a null word.
create or replace macro parameter(query, name) as
    nullif(regexp_extract(query, '(?:^|&)' || name || '=([^&]+)', 1), '');

create or replace macro decoded(written) as
    case
        when contains(written, '%') or contains(written, '+')
            then cleaned(coalesce(try(url_decode(replace(written, '+', ' '))), written))
        else cleaned(written)
    end;

create or replace macro click_id_rank(name) as
    list_position(
        [
            'gclid', 'gbraid', 'wbraid', 'dclid', 'msclkid', 'ttclid', 'twclid', 'li_fat_id',
            'fbclid', 'srsltid'
        ],
        name
    );

create or replace macro click_id_source(rank) as
    ['google', 'google', 'google', 'google', 'bing', 'tiktok', 'twitter', 'linkedin',
     'facebook', 'google'][rank];

create or replace macro click_id_medium(rank) as
    case rank when 9 then 'social' when 10 then 'organic' else 'cpc' end;

-- A source's category is that of its text, else of the text without `www.` or `m.`, else of
-- a registrable domain's name. Public suffixes are not looked up in their list, but told by
-- form: a top-level domain of letters, or a country's with a common second level before it.
create or replace macro bare_source(source) as
    regexp_replace(lower(trim(source)), '^(www|m)\.', '');

create or replace macro registrable_name(source) as
    nullif(
        regexp_extract(
            bare_source(source),
            '^([^.]+)\.(?:[a-z]{2,}|(?:co|com|org|net|ac|gov|edu|ne|or|go)\.[a-z]{2})$',
            1
        ),
        ''
    );

-- Macros that clean one text, as `attrib ingest` does.

-- `trim` reads a text to its end; nearly none needs it.
create or replace macro trimmed(written) as
    case
        when starts_with(written, ' ') or ends_with(written, ' ') then trim(written)
        else written
    end;

-- Words that stand for nothing are null. None of them is longer than nine bytes, which
-- spares most ids the comparison.
create or replace macro cleaned(written) as
    case
        when
            strlen(written) > 9
            and not starts_with(written, ' ')
            and not ends_with(written, ' ')
            then written
        when lower(trim(written)) in ('', 'null', 'undefined', '(not set)', 'nan') then null
        else trim(written)
    end;

create or replace macro filled(written) as nullif(trimmed(written), '');

-- `2315275013.0` is `2315275013`.
create or replace macro numeric_id(written) as
    case
        when contains(written, '.')
            then regexp_replace(cleaned(written), '^([0-9]+)\.0*$', '\1')
        else cleaned(written)
    end;

create or replace macro money(written) as try_cast(cleaned(written) as decimal(38, 9));

-- What is written and no number. `nan` is not nothing here.
create or replace macro is_no_number(written) as
    case
        when written is null then null
        when lower(trim(written)) = 'nan' then true
        when cleaned(written) is not null and money(written) is null then true
    end;

-- Seconds, milliseconds or microseconds since the epoch, told apart by size, or a time with
-- a zone; from 2001-09-09 to 2099-12-31.
create or replace macro epoch_microseconds(number) as
    case
        when number >= 1000000000000000 and number < 4102444800000000 then number
        when number >= 1000000000000 and number < 4102444800000 then number * 1000
        when number >= 1000000000 and number < 4102444800 then number * 1000000
    end;

create or replace macro timestamp_microseconds(written) as
    case
        when try_cast(written as bigint) is not null
            then epoch_microseconds(try_cast(written as bigint))
        when regexp_matches(trim(written), '([zZ]|UTC|GMT|[+-][0-9]{2}(:?[0-9]{2})?)$')
            then epoch_microseconds(epoch_us(try_cast(trim(written) as timestamptz)))
    end;

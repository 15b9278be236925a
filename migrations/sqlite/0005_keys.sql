-- Keys of applications. `key` is a word of SQL, so it stands in quotes.
create table "key" (
    id text primary key not null,
    name text not null unique,
    environment text,
    created_at integer not null,
    body text not null,
    revision integer not null
) strict;

create table key_version (
    key text not null references "key" (id),
    number integer not null,
    state text not null,
    created_at integer not null,
    -- Uses set aside before they happen: never fewer than there were.
    reserved integer not null default 0,
    -- Uses and the last opening, as measured.
    uses integer not null default 0,
    opened_at integer,
    body text not null,
    primary key (key, number)
) strict;

-- At most one version of a key seals.
create unique index key_version_active on key_version (key) where state = 'active';

-- Only PostgreSQL has several servers; the table is here so that both have the same.
create table replica (
    id text primary key not null,
    seen_at integer not null,
    commits integer not null
) strict;

-- Keys of applications. `key` is a word of SQL, so it stands in quotes.
create table "key" (
    id text collate "C" primary key not null,
    name text collate "C" not null unique,
    environment text collate "C",
    created_at bigint not null,
    body text collate "C" not null,
    revision bigint not null
);

create table key_version (
    key text collate "C" not null references "key" (id),
    number bigint not null,
    state text collate "C" not null,
    created_at bigint not null,
    -- Uses set aside before they happen: never fewer than there were.
    reserved bigint not null default 0,
    -- Uses and the last opening, as measured.
    uses bigint not null default 0,
    opened_at bigint,
    body text collate "C" not null,
    primary key (key, number)
);

-- At most one version of a key seals.
create unique index key_version_active on key_version (key) where state = 'active';

-- The servers that work on this database. What it holds is worth a second, so it need not survive a crash.
create unlogged table replica (
    id text collate "C" primary key not null,
    seen_at bigint not null,
    commits bigint not null
);

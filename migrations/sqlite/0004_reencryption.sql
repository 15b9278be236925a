-- Targets: where callers keep values sealed with a key. Jobs over them, in ranges. Censuses: what is under which version.

create table target (
    id text primary key not null,
    name text not null unique,
    kind text not null,
    key text not null,
    created_at integer not null,
    body text not null,
    revision integer not null
) strict;

-- No foreign key to `target`: jobs that ended outlive it, as history.
create table reencryption (
    id text primary key not null,
    target text not null,
    key text not null,
    mode text not null,
    state text not null,
    finished integer not null check (finished in (0, 1)),
    created_at integer not null,
    finished_at integer,
    body text not null,
    revision integer not null
) strict;

-- One job of a target at a time.
create unique index reencryption_under_way on reencryption (target) where finished = 0;
create index reencryption_by_target on reencryption (target, id);

-- The ranges of a job's present pass. The token only ever rises.
create table reencryption_range (
    job text not null references reencryption (id),
    pass integer not null,
    number integer not null,
    finished integer not null check (finished in (0, 1)),
    holder text,
    token integer not null,
    until integer not null,
    body text not null,
    primary key (job, pass, number)
) strict;

create table census (
    job text primary key not null references reencryption (id),
    target text not null,
    started_at integer not null,
    finished_at integer not null,
    body text not null
) strict;

create index census_by_target on census (target, finished_at);

-- Copies that applications keep of their data, with the versions they need.
create table application_backup (
    id text primary key not null,
    name text not null unique,
    key text not null,
    created_at integer not null,
    body text not null,
    revision integer not null
) strict;

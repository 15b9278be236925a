-- Targets: where callers keep values sealed with a key. Jobs over them, in ranges. Censuses: what is under which version.

create table target (
    id text collate "C" primary key not null,
    name text collate "C" not null unique,
    kind text collate "C" not null,
    key text collate "C" not null,
    created_at bigint not null,
    body text collate "C" not null,
    revision bigint not null
);

-- No foreign key to `target`: jobs that ended outlive it, as history.
create table reencryption (
    id text collate "C" primary key not null,
    target text collate "C" not null,
    key text collate "C" not null,
    mode text collate "C" not null,
    state text collate "C" not null,
    finished bigint not null check (finished in (0, 1)),
    created_at bigint not null,
    finished_at bigint,
    body text collate "C" not null,
    revision bigint not null
);

-- One job of a target at a time.
create unique index reencryption_under_way on reencryption (target) where finished = 0;
create index reencryption_by_target on reencryption (target, id);

-- The ranges of a job's present pass. The token only ever rises.
create table reencryption_range (
    job text collate "C" not null references reencryption (id),
    pass bigint not null,
    number bigint not null,
    finished bigint not null check (finished in (0, 1)),
    holder text,
    token bigint not null,
    until bigint not null,
    body text collate "C" not null,
    primary key (job, pass, number)
);

create table census (
    job text collate "C" primary key not null references reencryption (id),
    target text collate "C" not null,
    started_at bigint not null,
    finished_at bigint not null,
    body text collate "C" not null
);

create index census_by_target on census (target, finished_at);

-- Copies that applications keep of their data, with the versions they need.
create table application_backup (
    id text collate "C" primary key not null,
    name text collate "C" not null unique,
    key text collate "C" not null,
    created_at bigint not null,
    body text collate "C" not null,
    revision bigint not null
);

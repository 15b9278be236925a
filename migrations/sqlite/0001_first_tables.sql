-- One table per noun: the columns that queries need, and the whole entity as JSON in `body` (ADR 4).
-- Ids are UUIDv7 as text, times are microseconds since the Unix epoch, flags are 0 or 1.

create table issuer (
    id text primary key not null,
    name text not null unique,
    kind text not null,
    environment text not null,
    created_at integer not null,
    body text not null,
    revision integer not null
) strict;

create table consumer (
    id text primary key not null,
    name text not null unique,
    service text not null,
    environment text not null,
    created_at integer not null,
    body text not null,
    revision integer not null
) strict;

create table credential (
    id text primary key not null,
    name text not null unique,
    issuer text not null references issuer (name),
    environment text not null,
    current_version integer,
    created_at integer not null,
    body text not null,
    revision integer not null
) strict;

create table version (
    credential text not null references credential (id),
    number integer not null,
    state text not null,
    created_at integer not null,
    body text not null,
    primary key (credential, number)
) strict;

-- Sealed values, each bound to its place.
create table secret (
    table_name text not null,
    row_key text not null,
    field text not null,
    sealed blob not null,
    primary key (table_name, row_key, field)
) strict;

-- No foreign key to `credential`: rotations that ended outlive it, as history.
create table rotation (
    id text primary key not null,
    credential text not null,
    state text not null,
    finished integer not null check (finished in (0, 1)),
    created_at integer not null,
    finished_at integer,
    -- The sequence of the newest record.
    last_record integer not null default 0,
    body text not null,
    revision integer not null
) strict;

-- One rotation of a credential at a time.
create unique index rotation_in_flight on rotation (credential) where finished = 0;
create index rotation_by_credential on rotation (credential, id);
create index rotation_by_state on rotation (state, id);

create table rotation_record (
    rotation text not null references rotation (id),
    sequence integer not null,
    at integer not null,
    body text not null,
    primary key (rotation, sequence)
) strict;

-- Who drives a rotation. The token only ever rises.
create table lease (
    rotation text primary key not null references rotation (id),
    holder text not null,
    token integer not null,
    until integer not null
) strict;

create table instance (
    credential text not null references credential (id),
    consumer text not null,
    instance text not null,
    first_seen_at integer not null,
    body text not null,
    primary key (credential, consumer, instance)
) strict;

create table "freeze" (
    id text primary key not null,
    environment text,
    created_at integer not null,
    until integer,
    ended_at integer,
    body text not null,
    revision integer not null
) strict;

create table account (
    id text primary key not null,
    name text not null unique,
    created_at integer not null,
    body text not null,
    revision integer not null
) strict;

create table token (
    id text primary key not null,
    hash text not null unique,
    created_at integer not null,
    expires_at integer,
    revoked_at integer,
    body text not null,
    revision integer not null
) strict;

create table sign_in_link (
    id text primary key not null,
    account text not null references account (id),
    hash text not null unique,
    expires_at integer not null,
    body text not null,
    revision integer not null
) strict;

-- The hash chain. Every field stands in a column of its own, so that it can be checked without us.
create table audit_entry (
    sequence integer primary key not null,
    previous_hash text not null,
    hash text not null,
    at integer not null,
    actor text not null,
    source text,
    correlation text,
    action text not null,
    object text not null,
    outcome text not null,
    detail text not null
) strict;

create index audit_entry_by_object on audit_entry (object, sequence);

-- One row: the end of the chain, and how many transactions there were (others see by it that something changed).
create table audit_head (
    id integer primary key not null check (id = 1),
    sequence integer not null,
    hash text not null,
    commits integer not null
) strict;

insert into audit_head (id, sequence, hash, commits)
values (1, 0, '0000000000000000000000000000000000000000000000000000000000000000', 0);

-- Outcomes by the minute. Measurements: added to, never audited.
create table outcome (
    credential text not null,
    version integer not null,
    consumer text not null,
    minute integer not null,
    good integer not null,
    refused integer not null,
    errors integer not null,
    primary key (credential, minute, version, consumer)
) strict;

create table setting (
    key text primary key not null,
    value blob not null
) strict;

create table session (
    id_hash text primary key not null,
    account text references account (id),
    body text not null,
    expires_at integer not null
) strict;

create index session_by_account on session (account);
create index session_by_expiry on session (expires_at);

-- Replies to requests with an Idempotency-Key. No reply yet: the first request is still being answered.
create table idempotency (
    token text not null,
    path text not null,
    key text not null,
    body_hash text not null,
    reply blob,
    created_at integer not null,
    primary key (token, path, key)
) strict;

create index idempotency_by_age on idempotency (created_at);

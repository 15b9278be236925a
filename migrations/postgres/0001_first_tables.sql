-- One table per noun: the columns that queries need, and the whole entity as JSON in `body` (ADR 4).
-- Ids are UUIDv7 as text, times are microseconds since the Unix epoch, flags are 0 or 1.

create table issuer (
    id text collate "C" primary key not null,
    name text collate "C" not null unique,
    kind text collate "C" not null,
    environment text collate "C" not null,
    created_at bigint not null,
    body text collate "C" not null,
    revision bigint not null
);

create table consumer (
    id text collate "C" primary key not null,
    name text collate "C" not null unique,
    service text collate "C" not null,
    environment text collate "C" not null,
    created_at bigint not null,
    body text collate "C" not null,
    revision bigint not null
);

create table credential (
    id text collate "C" primary key not null,
    name text collate "C" not null unique,
    issuer text collate "C" not null references issuer (name),
    environment text collate "C" not null,
    current_version bigint,
    created_at bigint not null,
    body text collate "C" not null,
    revision bigint not null
);

create table version (
    credential text collate "C" not null references credential (id),
    number bigint not null,
    state text collate "C" not null,
    created_at bigint not null,
    body text collate "C" not null,
    primary key (credential, number)
);

-- Sealed values, each bound to its place.
create table secret (
    table_name text collate "C" not null,
    row_key text collate "C" not null,
    field text collate "C" not null,
    sealed bytea not null,
    primary key (table_name, row_key, field)
);

-- No foreign key to `credential`: rotations that ended outlive it, as history.
create table rotation (
    id text collate "C" primary key not null,
    credential text collate "C" not null,
    state text collate "C" not null,
    finished bigint not null check (finished in (0, 1)),
    created_at bigint not null,
    finished_at bigint,
    -- The sequence of the newest record.
    last_record bigint not null default 0,
    body text collate "C" not null,
    revision bigint not null
);

-- One rotation of a credential at a time.
create unique index rotation_in_flight on rotation (credential) where finished = 0;
create index rotation_by_credential on rotation (credential, id);
create index rotation_by_state on rotation (state, id);

create table rotation_record (
    rotation text collate "C" not null references rotation (id),
    sequence bigint not null,
    at bigint not null,
    body text collate "C" not null,
    primary key (rotation, sequence)
);

-- Who drives a rotation. The token only ever rises.
create table lease (
    rotation text collate "C" primary key not null references rotation (id),
    holder text collate "C" not null,
    token bigint not null,
    until bigint not null
);

create table instance (
    credential text collate "C" not null references credential (id),
    consumer text collate "C" not null,
    instance text collate "C" not null,
    first_seen_at bigint not null,
    body text collate "C" not null,
    primary key (credential, consumer, instance)
);

create table "freeze" (
    id text collate "C" primary key not null,
    environment text collate "C",
    created_at bigint not null,
    until bigint,
    ended_at bigint,
    body text collate "C" not null,
    revision bigint not null
);

create table account (
    id text collate "C" primary key not null,
    name text collate "C" not null unique,
    created_at bigint not null,
    body text collate "C" not null,
    revision bigint not null
);

create table token (
    id text collate "C" primary key not null,
    hash text collate "C" not null unique,
    created_at bigint not null,
    expires_at bigint,
    revoked_at bigint,
    body text collate "C" not null,
    revision bigint not null
);

create table sign_in_link (
    id text collate "C" primary key not null,
    account text collate "C" not null references account (id),
    hash text collate "C" not null unique,
    expires_at bigint not null,
    body text collate "C" not null,
    revision bigint not null
);

-- The hash chain. Every field stands in a column of its own, so that it can be checked without us.
create table audit_entry (
    sequence bigint primary key not null,
    previous_hash text collate "C" not null,
    hash text collate "C" not null,
    at bigint not null,
    actor text collate "C" not null,
    source text collate "C",
    correlation text collate "C",
    action text collate "C" not null,
    object text collate "C" not null,
    outcome text collate "C" not null,
    detail text collate "C" not null
);

create index audit_entry_by_object on audit_entry (object, sequence);

-- One row: the end of the chain, and how many transactions there were (others see by it that something changed).
create table audit_head (
    id bigint primary key not null check (id = 1),
    sequence bigint not null,
    hash text collate "C" not null,
    commits bigint not null
);

insert into audit_head (id, sequence, hash, commits)
values (1, 0, '0000000000000000000000000000000000000000000000000000000000000000', 0);

-- Outcomes by the minute. Measurements: added to, never audited.
create table outcome (
    credential text collate "C" not null,
    version bigint not null,
    consumer text collate "C" not null,
    minute bigint not null,
    good bigint not null,
    refused bigint not null,
    errors bigint not null,
    primary key (credential, minute, version, consumer)
);

create table setting (
    key text collate "C" primary key not null,
    value bytea not null
);

create table session (
    id_hash text collate "C" primary key not null,
    account text collate "C" references account (id),
    body text collate "C" not null,
    expires_at bigint not null
);

create index session_by_account on session (account);
create index session_by_expiry on session (expires_at);

-- Replies to requests with an Idempotency-Key. No reply yet: the first request is still being answered.
create table idempotency (
    token text collate "C" not null,
    path text collate "C" not null,
    key text collate "C" not null,
    body_hash text collate "C" not null,
    reply bytea,
    created_at bigint not null,
    primary key (token, path, key)
);

create index idempotency_by_age on idempotency (created_at);

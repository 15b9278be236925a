-- Rehearsals of a restore. Each follows one other ('': it is the first), so that of several replicas one begins the next.
create table rehearsal (
    id text primary key not null,
    previous text not null unique,
    started_at integer not null,
    body text not null,
    revision integer not null
) strict;

create index rehearsal_by_age on rehearsal (started_at);

-- Rehearsals of a restore. Each follows one other ('': it is the first), so that of several replicas one begins the next.
create table rehearsal (
    id text collate "C" primary key not null,
    previous text collate "C" not null unique,
    started_at bigint not null,
    body text collate "C" not null,
    revision bigint not null
);

create index rehearsal_by_age on rehearsal (started_at);

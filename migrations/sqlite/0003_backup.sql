-- Backups that were made. Where they were put, only whoever took them knows.
create table backup (
    id text primary key not null,
    made_at integer not null,
    body text not null
) strict;

create index backup_by_age on backup (made_at);

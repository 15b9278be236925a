-- Backups that were made. Where they were put, only whoever took them knows.
create table backup (
    id text collate "C" primary key not null,
    made_at bigint not null,
    body text collate "C" not null
);

create index backup_by_age on backup (made_at);

-- The figures of each day, for trends. Measurements: replaced, never audited. No environment: all of them together.
create table measure (
    day bigint not null,
    environment text collate "C" not null,
    body text collate "C" not null,
    primary key (day, environment)
);

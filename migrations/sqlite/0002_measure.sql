-- The figures of each day, for trends. Measurements: replaced, never audited. No environment: all of them together.
create table measure (
    day integer not null,
    environment text not null,
    body text not null,
    primary key (day, environment)
) strict;

-- What PostgreSQL 18 added to tables.
create table parcels (
    id uuid primary key default gen_random_uuid(),
    width int constraint "named not null" not null,
    height int constraint not_inherited not null no inherit,
    area int generated always as (width * height) virtual,
    stored_area bigint generated always as (width::bigint * height) stored,
    parent uuid references parcels,
    created_at timestamptz default clock_timestamp()
);
comment on constraint "named not null" on parcels is 'not null with a comment';
comment on column parcels.area is 'virtual';
create unique index on parcels (width, height);
insert into parcels (width, height) select i, i from generate_series(1, 300) i;
create table versioned (id uuid primary key default uuidv4(), a int);
create table stays (id uuid primary key default uuidv7());
insert into versioned (a) select generate_series(1, 3);
insert into stays default values;

-- while copying
update parcels set parent = (select id from parcels where width = 3) where width > 200;

-- after the cutover
insert into parcels (width, height, parent) select 400, 400, id from parcels where width = 5;
delete from parcels where width = 7;

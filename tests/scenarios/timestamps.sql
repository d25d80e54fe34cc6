-- Every source of time, and every odd value of it.
create table with_zone (id uuid primary key default gen_random_uuid(), created_at timestamptz, n int);
create table without_zone (id uuid primary key default gen_random_uuid(), created_at timestamp, n int);
create table with_date (id uuid primary key default gen_random_uuid(), created_on date, n int);
create table chosen (id uuid primary key default gen_random_uuid(), delivered timestamptz(0), created_at timestamptz, n int);
create table borrowed (id uuid primary key default gen_random_uuid(), owner uuid not null references with_zone on update cascade on delete cascade, n int);
create table borrowed_twice (id uuid primary key default gen_random_uuid(), owner uuid not null references borrowed on update cascade on delete cascade, n int);
create table uses_borrowed (n int primary key, a uuid references borrowed_twice on delete cascade, b uuid references with_date);
create table no_time (id uuid primary key default gen_random_uuid(), n int);
create table nullable_owner (id uuid primary key default gen_random_uuid(), owner uuid references with_zone on update cascade on delete set null);
create table odd (at timestamptz, n serial);
insert into odd (at) values (null), ('infinity'), ('-infinity'), ('1970-01-01 00:00:00+00'),
    ('1969-12-31 23:59:59.999999+00'), ('0044-03-15 BC'), ('2024-10-27 02:30:00.123456+02'),
    ('2024-02-29 23:59:59.999999+00'), ('9999-12-31'), (now() + interval '30 minutes'),
    (now() + interval '2 hours'), (now() - interval '1 microsecond'), ('294276-12-31');
insert into with_zone (created_at, n) select at, n from odd;
insert into without_zone (created_at, n) select at, n from odd;
insert into with_date (created_on, n) select at, n from odd;
insert into chosen (delivered, n) select at, n from odd;
drop table odd;
insert into borrowed (owner, n) select id, n from with_zone, generate_series(1, 20) i;
insert into borrowed_twice (owner, n) select id, n from borrowed, generate_series(1, 2) i;
insert into uses_borrowed select row_number() over (), t.id, (select id from with_date limit 1) from borrowed_twice t;
insert into no_time (n) select generate_series(1, 100);
insert into nullable_owner (owner) select id from with_zone;
insert into nullable_owner default values;

-- while copying
update with_zone set created_at = '2021-05-05 05:05:05' where n in (1, 2, 7);
update with_zone set created_at = null where n in (4, 8);
update with_zone set id = gen_random_uuid() where n = 3;
update borrowed set owner = (select id from with_zone where n = 11) where n = 12;
update borrowed_twice set owner = (select id from borrowed limit 1) where n = 9;
delete from with_zone where n = 10;
update without_zone set created_at = 'infinity' where n = 7;
update with_date set created_on = '-infinity' where n = 7;

-- after the cutover
update with_zone set created_at = '2022-05-05 05:05:05' where n in (1, 2, 7);
insert into with_zone (created_at, n) values (now(), 100);
insert into borrowed (owner, n) select id, 100 from with_zone where n = 100;
insert into borrowed_twice (owner, n) select id, 100 from borrowed where n in (100, 7);
delete from with_zone where n = 6;

-- Extended statistics of one name from two schemas, on one table and on several.
create schema other;
create schema third;
create table a (id uuid primary key default gen_random_uuid(), x int, y int, created_at timestamptz default now());
create table b (id uuid primary key default gen_random_uuid(), a_id uuid references a, x int, y int);
create statistics s on x, y from a;
create statistics other.s (ndistinct) on x, y from a;
create statistics third.s (mcv) on x, y from b;
create statistics third."uuidmig_statistics_1_1" on x, a_id from b;
comment on statistics other.s is 'the other';
alter statistics third.s set statistics 77;
insert into a (x, y) select i, i from generate_series(1, 100) i;
insert into b (a_id, x) select id, x from a;

-- while copying
update a set x = 7 where y = 3;
analyze a;

-- after the cutover
analyze a, b;
insert into a (x) values (1);

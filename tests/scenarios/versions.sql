-- Keys of all versions.
create table mixed (id uuid primary key default gen_random_uuid(), created_at timestamptz default '2023-01-01', n int);
create table follows (id uuid primary key default gen_random_uuid(), mixed_id uuid not null references mixed on update cascade on delete cascade);
insert into mixed (n) select generate_series(1, 200);
insert into mixed (id, n) values
    ('018f4e2a-1111-7abc-8def-0123456789ab', 1000), ('018f4e2a-1111-7abc-8def-0123456789ac', 1001),
    ('6ba7b810-9dad-11d1-80b4-00c04fd430c8', 1002), ('886313e1-3b8a-5372-9b90-0c9aee199e5d', 1003),
    ('00000000-0000-0000-0000-000000000000', 1004), ('ffffffff-ffff-ffff-ffff-ffffffffffff', 1005);
insert into follows (mixed_id) select id from mixed;
insert into follows (id, mixed_id) select '018f4e2a-2222-7abc-8def-0123456789ab', id from mixed where n = 1003;

-- while copying
update mixed set created_at = '2023-02-02' where n % 10 = 0 or n >= 1000;
delete from mixed where n = 1001;
insert into follows (mixed_id) select id from mixed where n > 1000;

-- after the cutover
insert into mixed (n) values (3000);
insert into follows (mixed_id) select id from mixed where n >= 1000;
delete from mixed where n = 1002;
update mixed set n = n + 1 where n = 1005;

-- Partitioned by LIST of a key: the partitions of some parents become those of their new keys.
create schema "Big Ones";
create table tenants (
    id uuid primary key default gen_random_uuid(),
    name text not null,
    created_at timestamptz not null default clock_timestamp()
);
insert into tenants values
    ('a0000000-0000-4000-8000-00000000000a', 'first', '2021-02-03 04:05:06.789012+00'),
    ('b0000000-0000-4000-8000-00000000000b', 'second', '2022-02-03 04:05:06+00'),
    ('c0000000-0000-4000-8000-00000000000c', 'third', '2023-02-03 04:05:06+00'),
    ('01890000-0000-7000-8000-00000000000d', 'has a new key already', '2023-06-01 00:00:00+00');
insert into tenants (name) select 'small ' || n from generate_series(1, 20) n;

-- by a reference; keys of two tenants and none in one partition, a partition of its own elsewhere
create table orders (
    "The Tenant" uuid not null references tenants on update cascade on delete cascade,
    id uuid not null default gen_random_uuid(),
    number int not null,
    note text,
    created_at timestamptz not null default clock_timestamp(),
    primary key (id, "The Tenant")
) partition by list ("The Tenant");
create table "Big Ones"."Orders of 'A'" (
    note text,
    number int not null,
    id uuid not null default gen_random_uuid(),
    "The Tenant" uuid not null,
    created_at timestamptz not null default clock_timestamp()
);
alter table orders attach partition "Big Ones"."Orders of 'A'"
    for values in ('a0000000-0000-4000-8000-00000000000a');
create table orders_b_c partition of orders for values in (
    'c0000000-0000-4000-8000-00000000000c', null, 'b0000000-0000-4000-8000-00000000000b');
create table orders_d partition of orders for values in ('01890000-0000-7000-8000-00000000000d');
create table orders_rest partition of orders default;
create index on orders (created_at);

-- below a partition by time, with another level below, and a composite key to it
create table invoices (
    tenant_id uuid not null references tenants on update cascade on delete cascade,
    id uuid not null default gen_random_uuid(),
    kind int not null,
    created_at timestamptz not null default clock_timestamp(),
    primary key (id, tenant_id, kind, created_at)
) partition by range (created_at);
create table invoices_now partition of invoices for values from ('2020-01-01') to (maxvalue)
    partition by list (tenant_id);
create table invoices_now_a partition of invoices_now
    for values in ('a0000000-0000-4000-8000-00000000000a') partition by list (kind);
create table invoices_now_a_1 partition of invoices_now_a for values in (1);
create table invoices_now_a_2 partition of invoices_now_a default;
create table invoices_now_rest partition of invoices_now default;
create table lines (
    id uuid primary key default gen_random_uuid(),
    invoice_id uuid not null, tenant_id uuid not null, kind int not null, at timestamptz not null,
    foreign key (invoice_id, tenant_id, kind, at)
        references invoices (id, tenant_id, kind, created_at) on update cascade on delete cascade
);

-- by its own key
create table settings (
    id uuid primary key default gen_random_uuid(), value int,
    created_at timestamptz not null default '2024-01-01 00:00:00+00'
) partition by list (id);
create table settings_rest partition of settings default;
insert into settings values ('e0000000-0000-4000-8000-00000000000e', 0, '2020-02-02 00:00:00+00');
begin;
alter table settings detach partition settings_rest;
create table settings_e partition of settings
    for values in ('e0000000-0000-4000-8000-00000000000e');
insert into settings select * from settings_rest;
truncate settings_rest;
alter table settings attach partition settings_rest default;
commit;

insert into orders ("The Tenant", number)
select t.id, n from tenants t, generate_series(1, 20) n;
insert into invoices (tenant_id, kind) select t.id, n % 4 from tenants t, generate_series(1, 12) n;
insert into lines (invoice_id, tenant_id, kind, at)
select id, tenant_id, kind, created_at from invoices, generate_series(1, 2);
insert into settings (value) select n from generate_series(1, 9) n;

-- while copying
insert into orders ("The Tenant", number) select id, 200 from tenants;
update orders set note = 'seen' where number % 7 = 0;
-- from one partition to another
update orders set "The Tenant" = 'a0000000-0000-4000-8000-00000000000a' where number = 3;
update orders set "The Tenant" = (select id from tenants where name = 'small 3') where number = 4;
update orders set "The Tenant" = 'b0000000-0000-4000-8000-00000000000b' where number = 14;
update invoices set tenant_id = 'a0000000-0000-4000-8000-00000000000a' where kind = 3;
update invoices set kind = 1 where kind = 2 and tenant_id = 'a0000000-0000-4000-8000-00000000000a';
delete from orders where number = 5;
delete from tenants where name = 'small 7';
update tenants set created_at = created_at - interval '1 day' where name = 'small 8';
update tenants set id = gen_random_uuid() where name = 'small 9';
insert into tenants (name) values ('a new one');
insert into orders ("The Tenant", number) select id, 300 from tenants where name = 'a new one';
update settings set value = value + 1;
truncate orders_d;

-- after the cutover
insert into orders ("The Tenant", number) select id, 400 from tenants;
-- by a remembered key: into the partition of its new one
insert into orders ("The Tenant", number) values ('a0000000-0000-4000-8000-00000000000a', 401),
    ('c0000000-0000-4000-8000-00000000000c', 402);
update orders set "The Tenant" = (select id from tenants where name = 'first') where number = 6;
update orders set "The Tenant" = (select id from tenants where name = 'small 2') where number = 401;
delete from orders where number = 8;
insert into invoices (tenant_id, kind) select id, 1 from tenants;
delete from lines where kind = 0;
update settings set value = -value;
delete from tenants where name = 'third';

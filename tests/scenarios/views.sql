-- Views, views on views, materialized views and rules, with everything that can hang on them.
create schema reports;
create table customers (
    id uuid primary key default gen_random_uuid(), name text not null, city varchar(20) collate "C",
    created_at timestamptz not null default clock_timestamp()
);
create table orders (
    id uuid primary key default gen_random_uuid(),
    customer_id uuid not null references customers on delete cascade,
    total numeric(10, 2), state text default 'open', gone int,
    placed_at timestamptz not null default clock_timestamp()
);
alter table orders drop column gone;
create table archive (order_id uuid, note text);
create table log (n int generated always as identity primary key, what text, key uuid);

create view open_orders with (security_barrier, check_option = cascaded) as
    select id, customer_id, total, state from orders where state = 'open';
alter view open_orders alter column total set default 9.99;
comment on view open_orders is 'it''s open';
comment on column open_orders.total is 'in :euro %';
create view reports."Big $ View" with (security_invoker = true) as
    select o.*, c.name, c.city from open_orders o join customers c on c.id = o.customer_id
    where o.total > 10;
alter view open_orders rename column total to amount;
-- a primary key on which the grouping depends
create view per_customer as
    select c.id, c.name, c.city, count(o.id) as orders, array_agg(o.id order by o.id) as ids
    from customers c left join orders o on o.customer_id = c.id group by c.id;
create recursive view chain (id, depth) as
    select id, 0 from orders union all select id, depth + 1 from chain where depth < 1;
create view no_columns as select from orders;

create function write_big() returns trigger language plpgsql as $$
begin
    insert into public.orders (customer_id, total) values (new.customer_id, new.total);
    insert into public.log (what, key) values (tg_name, new.customer_id);
    return new;
end $$;
create trigger "Write it" instead of insert on reports."Big $ View"
    for each row execute function write_big();
comment on trigger "Write it" on reports."Big $ View" is 'instead';

create materialized view reports.totals with (fillfactor = 70) as
    select customer_id, sum(total) as total, min(name collate "C") as name
    from orders join customers c on c.id = customer_id group by customer_id;
create unique index totals_key on reports.totals (customer_id);
create index "Totals by total" on reports.totals (total desc, lower(name)) where total > 1;
alter index reports."Totals by total" alter column 2 set statistics 50;
comment on index reports.totals_key is 'the key';
comment on materialized view reports.totals is 'sums';
comment on column reports.totals.total is 'of all';
alter materialized view reports.totals alter column name set statistics 77;
alter materialized view reports.totals alter column name set storage external;
alter materialized view reports.totals cluster on totals_key;
-- on a materialized view, and on a view on it
create view reports.best with (security_barrier) as select customer_id, name from reports.totals where total > 5;
comment on view reports.best is 'best';
create materialized view reports.names as select distinct name, customer_id from reports.best;
create materialized view empty as select id from orders with no data;
create view over_empty as select * from empty;

create rule note_insert as on insert to orders where new.total > 100
    do also insert into log (what, key) values ('dear', new.customer_id);
create rule keep as on delete to orders where old.state = 'kept' do instead nothing;
create rule switched_off as on update to orders do also insert into log (what) values ('never');
alter table orders disable rule switched_off;
comment on rule keep on orders is 'kept orders stay';
create view writable as select id, customer_id, total from orders;
create rule write_through as on insert to writable do instead
    insert into orders (customer_id, total) values (new.customer_id, new.total)
    returning id, customer_id, total;
comment on rule write_through on writable is 'through';
create rule archive_note as on insert to archive do also
    update orders set state = 'archived' where id = new.order_id;

grant select, insert on open_orders to public;
grant select (id), update (state) on open_orders to public;
grant select on reports.totals to pg_monitor with grant option;
grant select (name) on reports.names to public;
alter default privileges in schema reports grant select on tables to public;

insert into customers (name, city) select 'c' || i, 'town' from generate_series(1, 100) i;
insert into orders (customer_id, total) select id, 12 from customers;
refresh materialized view reports.totals;
refresh materialized view reports.names;

-- while copying
insert into writable (customer_id, total) select id, 7 from customers limit 3;
insert into reports."Big $ View" (customer_id, total) select id, 20 from customers limit 3;
delete from orders where customer_id = (select id from customers where name = 'c9');

-- after the cutover
do $$
begin
    if (select count(*) from open_orders) < 100 or (select count(*) from chain) < 100 then
        raise 'lost rows';
    end if;
    if exists (select id from open_orders except select id from orders) then
        raise 'old keys in a view';
    end if;
    if exists (select customer_id from reports.totals except select id from customers) then
        raise 'old keys in a materialized view';
    end if;
    if exists (select from per_customer p join customers c using (id) where p.orders > 0 and not p.ids <@ array(select id from orders)) then
        raise 'old keys in a view with groups';
    end if;
end $$;
insert into writable (customer_id, total) select id, 7 from customers limit 3;
insert into open_orders (id, customer_id) select gen_random_uuid(), id from customers limit 2;
insert into reports."Big $ View" (customer_id, total) select id, 200 from customers limit 3;
insert into archive (order_id) select id from orders limit 1;
refresh materialized view concurrently reports.totals;
refresh materialized view reports.names;

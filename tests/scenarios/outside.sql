-- Only some tables are migrated; their references to others stay.
create table customers (id uuid primary key default gen_random_uuid(), created_at timestamptz default now());
create table orders (
    id uuid primary key default gen_random_uuid(),
    number int unique,
    customer_id uuid not null references customers on update cascade on delete cascade,
    created_at timestamptz default now()
);
create table items (
    id uuid primary key default gen_random_uuid(),
    order_id uuid not null references orders on delete cascade,
    customer_id uuid references customers on update cascade on delete set null
);
create table notes (id uuid primary key default gen_random_uuid(), order_number int references orders (number) on update cascade on delete cascade);
insert into customers select from generate_series(1, 50);
insert into orders (number, customer_id) select row_number() over (), id from customers, generate_series(1, 5);
insert into items (order_id, customer_id) select id, customer_id from orders, generate_series(1, 2);
insert into notes (order_number) select number from orders where number % 2 = 0;

-- while copying
delete from customers where id in (select customer_id from orders where number = 7);
update customers set id = gen_random_uuid() where id in (select customer_id from orders where number = 9);
update orders set number = number + 1000 where number % 10 = 0;

-- after the cutover
insert into customers default values;
insert into orders (number, customer_id) select 5000, id from customers limit 1;
insert into notes (order_number) values (5000);
delete from customers where id in (select customer_id from orders where number = 17);
update customers set id = gen_random_uuid() where id in (select customer_id from orders where number = 19);

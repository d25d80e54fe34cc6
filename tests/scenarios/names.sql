-- Names that need care everywhere: quotes, blanks, upper case, %, :, \, {}, $, 63 bytes.
create schema "Sales ""East"" %s";
create schema "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123";
create table "Sales ""East"" %s"."Order's %(x)s :id \ {}" (
    "Id ""1"" % :x \ {} $1 '" uuid constraint "P K ' "" %" primary key default gen_random_uuid(),
    "select" text,
    "created At" timestamptz default clock_timestamp(),
    "$body$" int,
    t int, s int, w int, p1 int, gone int, old int, new int, op int
);
create table "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123"."tttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt3" (
    "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc3" uuid primary key default gen_random_uuid(),
    "o'r % ""der"" :y" uuid constraint "f k % ' "" :z \" references
        "Sales ""East"" %s"."Order's %(x)s :id \ {}" on delete cascade on update cascade,
    "created_at" timestamptz default clock_timestamp(),
    number int generated always as identity,
    serial serial
);
create table "order" ("user" uuid primary key default gen_random_uuid(), "from" uuid references "order");
create table "Ünï©ödé 表" ("Schlüssel" uuid primary key default gen_random_uuid(), "läuft" timestamptz default now());
-- what our functions call their own things
create table clashes (
    total uuid not null default gen_random_uuid(), moved uuid not null default gen_random_uuid(),
    op uuid not null default gen_random_uuid(), old_key uuid not null default gen_random_uuid(),
    found_keys uuid not null default gen_random_uuid(), d uuid not null default gen_random_uuid(),
    old uuid not null default gen_random_uuid(), new uuid not null default gen_random_uuid(),
    present uuid not null default gen_random_uuid(), "uuidmig_work_1" uuid not null default gen_random_uuid(),
    created_at timestamptz default clock_timestamp(), keys int, n int,
    primary key (total, moved, op, old_key, found_keys, d, old, new, present, "uuidmig_work_1")
);
insert into clashes (n) select generate_series(1, 100);
create table "a.b" ("c.d" uuid primary key default gen_random_uuid());
create index "i % :x ' "" \" on "Sales ""East"" %s"."Order's %(x)s :id \ {}" ("select", ("$body$" + 1))
    where "select" <> 'x"."y. USING FROM %s :z \';
create statistics "Sales ""East"" %s"."st at ( FROM %" on "select", t from "Sales ""East"" %s"."Order's %(x)s :id \ {}";
create statistics "st2 FROM (a.b)" on (t + s), ("select" || ' FROM a.b') from "Sales ""East"" %s"."Order's %(x)s :id \ {}";
alter table "Sales ""East"" %s"."Order's %(x)s :id \ {}" add constraint "c % '' :x \" check ("select" <> '%s :x \ {}'),
    add constraint "later % '" check ("select" <> 'never') not valid;
create function "trig % "" '"() returns trigger language plpgsql as 'begin return new; end';
create trigger "trig ' % "" :x \" before insert on "Sales ""East"" %s"."Order's %(x)s :id \ {}"
    for each row execute function "trig % "" '"('%s', ':x', '\');
comment on trigger "trig ' % "" :x \" on "Sales ""East"" %s"."Order's %(x)s :id \ {}" is '% :x \ {}';
insert into "Sales ""East"" %s"."Order's %(x)s :id \ {}" ("select", t) select 'text % ' || i, i from generate_series(1, 200) i;
insert into "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123"."tttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt3"
    ("o'r % ""der"" :y") select "Id ""1"" % :x \ {} $1 '" from "Sales ""East"" %s"."Order's %(x)s :id \ {}";
insert into "order" select from generate_series(1, 100);
insert into "Ünï©ödé 表" select from generate_series(1, 10);
insert into "a.b" select from generate_series(1, 10);

-- while copying
update "Sales ""East"" %s"."Order's %(x)s :id \ {}" set "created At" = '2020-01-01' where t % 5 = 0;
update "Sales ""East"" %s"."Order's %(x)s :id \ {}" set "Id ""1"" % :x \ {} $1 '" = gen_random_uuid() where t % 7 = 0;
delete from "Sales ""East"" %s"."Order's %(x)s :id \ {}" where t % 11 = 0;
update "order" set "from" = "user";
insert into clashes (n) values (1000);
update clashes set n = 7, created_at = '2020-01-01' where n % 10 = 1;
update clashes set op = gen_random_uuid(), total = moved where n % 10 = 2;
delete from clashes where n % 10 = 3;

-- after the cutover
insert into "Sales ""East"" %s"."Order's %(x)s :id \ {}" (t) values (1000);
update "Sales ""East"" %s"."Order's %(x)s :id \ {}" set t = t + 1000 where t % 3 = 0;
delete from "Sales ""East"" %s"."Order's %(x)s :id \ {}" where t % 13 = 0;
insert into "order" ("from") select "user" from "order" limit 5;
insert into clashes (n) values (2000);
update clashes set n = 2001 where n % 10 = 4;
delete from clashes where n % 10 = 5;

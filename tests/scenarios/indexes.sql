-- Every kind of index and constraint, with what can be set on them.

create table items (
    id uuid default gen_random_uuid(),
    code text not null,
    region text,
    quantity int not null,
    tags text[],
    document jsonb,
    place point,
    span int4range,
    day date,
    note text,
    created_at timestamptz not null default clock_timestamp(),
    constraint items_pkey primary key (id) include (code) with (fillfactor = 77),
    constraint items_code unique (code) deferrable initially deferred,
    constraint items_day unique nulls not distinct (day, region),
    constraint items_number unique (quantity, code) include (region),
    constraint items_span exclude using gist (code with =, span with &&) where (quantity > 0),
    constraint "later exclusion" exclude using gist (region with =, day with <>)
        deferrable initially immediate,
    constraint positive check (quantity >= 0),
    constraint "code is short" check (length(code) < 40) no inherit
);
create index items_partial on items (quantity desc nulls last) where note is not null;
create unique index items_expression on items (lower(code), (quantity + 1)) with (fillfactor = 60);
create index items_include on items (region) include (note, quantity);
create index items_gin on items using gin (tags) with (fastupdate = off);
create index items_json on items using gin (document jsonb_path_ops);
create index items_gist on items using gist (place);
create index items_brin on items using brin (created_at) with (pages_per_range = 4, autosummarize = on);
create index items_hash on items using hash (code);
create index items_collated on items (code collate "C" text_pattern_ops, region);
create index on items using spgist (place);
create unique index items_nulls on items (note) nulls not distinct where quantity > 1000;
alter index items_expression alter column 2 set statistics 700;
comment on index items_partial is 'partial';
comment on index items_pkey is 'index of the key';
comment on constraint items_pkey on items is 'the key';
comment on constraint items_span on items is 'no overlap';
comment on constraint positive on items is 'it''s positive';
alter table items cluster on items_include;
create unique index items_identity on items (code, quantity);
alter table items replica identity using index items_identity;
insert into items (code, quantity, tags, document, place, span, day, note)
select 'code ' || i, i, array[i::text], jsonb_build_object('a', i), point(i, i), int4range(i, i + 5),
    date '2024-01-01' + i, repeat('note ', 5) || i from generate_series(1, 300) i;
-- old rows may violate these
alter table items add constraint even check (quantity % 2 = 0) not valid;
alter table items add constraint "new only" check (note <> 'x') not valid;
comment on constraint even on items is 'not valid';

create table full_identity (id uuid primary key default gen_random_uuid());
alter table full_identity replica identity full;
create table no_identity (id uuid primary key default gen_random_uuid());
alter table no_identity replica identity nothing;
create table without_key (id uuid not null references full_identity, n int not null);
create unique index without_key_n on without_key (n);
create table on_unique (id uuid primary key, full_id uuid unique references full_identity);
insert into full_identity select from generate_series(1, 20);
insert into without_key select id, row_number() over () from full_identity;
insert into on_unique select gen_random_uuid(), id from full_identity;

-- while copying
insert into items (code, quantity, note) values ('late', 400, 'late');
update items set code = code || '!' where quantity % 10 = 0;
begin;
update items set code = case code when 'code 22' then 'code 122' else 'code 22' end
where code in ('code 22', 'code 122');
commit;
delete from items where quantity between 40 and 50;
update without_key set n = n + 100 where n % 2 = 0;

-- after the cutover
insert into items (code, quantity, day) values ('new', 600, 'today');
update items set note = 'changed' where quantity % 20 = 0 and quantity < 300;
begin;
update items set code = case code when 'code 2' then 'code 104' else 'code 2' end
where code in ('code 2', 'code 104');
commit;
delete from items where quantity between 60 and 70;
update without_key set n = n + 1000 where n % 3 = 0;
insert into full_identity default values;

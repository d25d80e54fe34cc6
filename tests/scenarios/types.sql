-- Types without equality or hash, and tables without rows.
create type pair as (a int, b json);
create table shapes (
    id uuid primary key default gen_random_uuid(),
    body json, place point, outline polygon, doc xml, pairs pair[], money_ money,
    bits bit(3), small "char", words tsvector, net inet, spans tstzmultirange, raw bytea, flag boolean,
    amount float8, created_at timestamptz default clock_timestamp()
);
create table empty_parent (id uuid primary key default gen_random_uuid());
create table empty_child (id uuid primary key default gen_random_uuid(), parent uuid not null references empty_parent);
create table no_more (id uuid primary key default gen_random_uuid());
insert into shapes (body, place, outline, pairs, money_, bits, small, words, net, spans, raw, flag, amount)
select format('{"a":  %s, "a": 2}', i)::json, point(i, -i), polygon(circle '((0,0),1)'), array[row(i, '[1, 2]')::pair],
    i::money, b'101', 'x', to_tsvector('a b'), '10.0.0.1', '{[2020-01-01,2021-01-01)}', '\x00ff', i % 2 = 0,
    case i % 3 when 0 then 'nan' when 1 then '-0' else 1.1 end
from generate_series(1, 200) i;
insert into no_more select from generate_series(1, 10);
delete from no_more;

-- while copying
insert into empty_parent default values;
insert into empty_child (parent) select id from empty_parent;
update shapes set body = '{}' where place[0] < 10;
insert into shapes default values;

-- after the cutover
update shapes set amount = 7 where flag;
insert into no_more default values;
delete from shapes where place[0] < 5;

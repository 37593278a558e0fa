-- SPDX-License-Identifier: MIT
-- In memory, and in a file with a journal.
select sqlite_version() is not null;
create table numbers (n integer primary key, name text, half real);
with recursive c(i) as (select 1 union all select i + 1 from c where i < 5000) insert into numbers select i, 'number ' || i, i / 2.0 from c;
select count(*), sum(n), avg(half), max(name) from numbers;
create index names on numbers (name);
explain query plan select * from numbers where name = 'number 77';
select n, half from numbers where name = 'number 77';
begin; delete from numbers where n > 10; select count(*) from numbers; rollback; select count(*) from numbers;
select group_concat(n) from (select n from numbers where n % 1000 = 0 order by name desc);
create view odd as select n from numbers where n % 2; select count(*) from odd;
create trigger t after insert on numbers begin insert into numbers values (new.n + 1000000, 'from a trigger', 0); end;
insert into numbers values (9000, 'x', 1); select n, name from numbers where n > 5000;
insert into numbers values (1, 'again', 0);
select json_extract('{"a": [1, 2, 3]}', '$.a[1]'), hex('abc'), upper('ü'), printf('%05d', 42), date(0, 'unixepoch');
select n, sum(n) over (order by n rows 2 preceding) from numbers where n < 6;
attach '/tmp/file.db' as f;
create table f.copy as select * from numbers;
select count(*) from f.copy;
pragma f.integrity_check;
.mode csv
select * from f.copy limit 2;
.backup /tmp/backup.db
.open /tmp/backup.db
select count(*) from numbers;
vacuum;
pragma integrity_check;
nonsense;

select sqlite_version();
create table t(a integer primary key, b text not null, c real);
insert into t values (1, 'one', 0.1), (2, 'two', 2e10), (3, 'drei', null);
select a, upper(b), c, typeof(c), length(b) from t where b like '%o%' or c is null order by b;
select 7.0 / 3, -9223372036854775807 - 1, abs(-3), hex('äß'), printf('%08.3f|%5d', 3.14159, 42), 1 << 40;
with recursive f(n, x, y) as (select 0, 0, 1 union all select n + 1, y, x + y from f where n < 90)
    select n, x from f where n % 30 = 0;
begin; update t set c = a * 1.5; select sum(c), avg(c) from t; rollback;
select sum(c) from t;
insert into t values (1, 'twice', 0);

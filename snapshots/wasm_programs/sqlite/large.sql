create table t(a integer primary key, b text, c real);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 1000)
    insert into t select i, printf('row-%06d', (i * 7919) % 1009), i * 0.37 from n;
create index tb on t(b);
select count(*), sum(a), min(b), max(b), round(avg(c), 6) from t;
select a, b, c from t where b like 'row-00010%' order by b limit 5;
select substr(b, 7, 2) k, count(*), round(sum(c), 3) from t group by k order by 2 desc, 1 limit 5;
select count(*) from t x join t y on x.b = y.b where x.a > 500;
update t set c = c * 2 where a % 3 = 0;
delete from t where a % 5 = 0;
select count(*), round(sum(c), 4) from t;
pragma integrity_check;

create table f(k integer primary key, v blob);
insert into f values (1, zeroblob(5000)), (2, 'text'), (3, x'00ff');
begin; delete from f; rollback;
create index fv on f(v);
delete from f where k = 1;
vacuum;
select k, hex(v), length(v) from f order by k desc;
pragma page_count;
pragma integrity_check;

-- Counts the rows and blocks read of a table, by every access path.
select coalesce(t.seq_tup_read, 0) + coalesce(t.idx_tup_fetch, 0)
         + (select coalesce(sum(i.idx_tup_read), 0) from pg_stat_user_indexes i where i.relid = t.relid),
       io.heap_blks_read + io.heap_blks_hit + io.idx_blks_read + io.idx_blks_hit
from pg_stat_user_tables t join pg_statio_user_tables io using (relid)
where t.relid = %(table)s::regclass

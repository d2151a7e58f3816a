-- Notes the rows up to a row's number as exported, in lines of 100,000 as jobs leave them.
insert into crm_export.ExportedVersions (stream, row_count, key_hashes, versions)
select 'rows', count(*), array_agg(hashtextextended(id collate "C", 0)), array_agg(changed_at)
from (
    select id, changed_at, (row_number() over (order by changed_at, id collate "C") - 1) / 100000 as line
    from {table} where id <= 'TP2_' || lpad((%(row)s)::text, 12, '0')
) exported
group by line order by line

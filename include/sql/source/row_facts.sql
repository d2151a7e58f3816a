-- Counts missing and shared keys and external ids in the first rows of a source, and measures the longest texts.
select count(*) as rows, count(*) - count(s.{key}) as without_key, count(s.{key}) - count(distinct s.{key}) as shared_keys,
       count(*) filter (where {alive} and coalesce(btrim(s.{external_id}::text), '') = '') as blank_ids,
       count(s.{external_id}) filter (where {alive})
           - count(distinct s.{external_id}) filter (where {alive}) as shared_ids,
       array[{lengths}]::int[] as lengths
from (select * from {source} limit %(limit)s) s

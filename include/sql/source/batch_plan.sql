-- Plans a batch of rows with one action in one snapshot: writes the manifest and returns the records.
-- If rows share a position, nothing is planned and the key of one of them is returned.
with page as materialized (
    {page}
), judged as materialized (
    select s.crm_export_ordinal::int as ordinal, {key_text} as record_key, {external_id} as external_id,
           s.{cursor} as cursor_at, {deleted} as gone,
           case when {deleted} then null else {record} end as record,
           case when {deleted} then null else {created} end as created,
           {rejection} as rejection, {payload} as payload, {lock} as lock, s.crm_export_shared as shared
    from page s
    left join crm_export.ExportErrors decided
      on decided.stream = %(stream)s and decided.record_key = ({key_text} collate "C") and %(respect_decisions)s
     and decided.status in ('set_aside', 'ignored') and decided.record_changed_at = s.{cursor}
), named as materialized (
    select j.*, {folded} as folded from judged j
), weighed as materialized (
    -- rows are kept in memory until they are sent: a batch ends at 20 MB of records and kept values
    select n.*, sum(coalesce(octet_length(n.record), 0) + coalesce(octet_length(n.created), 0)
                    + coalesce(octet_length(n.payload::text), 0)) over (order by n.ordinal) as bytes
    from named n
), cut as materialized (
    select j.*,
           case when j.rejection is null and length(j.record) + coalesce(length(j.created), 0) > 400000
                then 'CRM_EXPORT_RECORD_TOO_LARGE'
                when j.rejection is null and not j.gone and j.folded is not null
                     and count(*) filter (where not j.gone) over (partition by j.folded) > 1
                then 'CRM_EXPORT_EXTERNAL_ID_CONFLICT'
                when j.rejection is null and not j.gone and j.folded = any (%(colliding_ids)s::text[])
                then 'CRM_EXPORT_EXTERNAL_ID_CONFLICT'
                else j.rejection end as verdict
    from weighed j
    where not exists (select 1 from judged other where other.shared)
      and (j.bytes <= 20000000 or j.ordinal = 1)
      and j.ordinal < coalesce(
        (select min(other.ordinal) from judged other, judged first
         where first.ordinal = 1 and other.gone <> first.gone), 2147483647)
), planned as (
    insert into crm_export.ExportBatches (stream, run, epoch, transport, action, row_count)
    select %(stream)s, %(run)s, %(epoch)s, 'collections',
           case when bool_or(gone) then 'delete' else %(operation)s end, count(*)
    from cut having count(*) > 0
    returning id, action
), manifest as (
    insert into crm_export.ExportBatchRows (batch, ordinal, record_key, external_id, cursor_at)
    select planned.id, cut.ordinal, cut.record_key, cut.external_id, cut.cursor_at from cut, planned
)
select planned.id, planned.action,
       array_agg(cut.record_key order by cut.ordinal) as keys,
       array_agg(cut.external_id order by cut.ordinal) as external_ids,
       array_agg(cut.record order by cut.ordinal) as records,
       array_agg(cut.verdict order by cut.ordinal) as verdicts,
       array_agg(cut.payload order by cut.ordinal) as payloads,
       array_agg(cut.created order by cut.ordinal) as created,
       array_agg(cut.lock order by cut.ordinal) as locks,
       null::text as shared_key
from cut, planned group by planned.id, planned.action
union all
select null, null, null, null, null, null, null, null, null, shared.record_key
from (select coalesce(j.record_key, '(NULL)') as record_key from judged j where j.shared limit 1) shared

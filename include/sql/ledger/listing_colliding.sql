-- Removes from a manifest the rows whose external ids Salesforce matches to one record.
with named as materialized (
    select m.ordinal, {folded} as folded from crm_export.ExportBatchRows m where m.batch = %(batch)s
), colliding as (
    select folded from named group by folded having count(*) > 1
), taken as (
    delete from crm_export.ExportBatchRows m using named, colliding
    where m.batch = %(batch)s and m.ordinal = named.ordinal and named.folded = colliding.folded
)
select folded from colliding

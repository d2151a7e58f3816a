-- Stores the outcome of rejected records that were retried: accepted, or rejected and recorded.
update crm_export_results
set kind = case when {folded} in (select {folded} from unnest(%(accepted)s::text[]) as given (external_id))
                then 'accepted' else kind end, recorded = true
where kind = 'rejected' and external_id = any (%(tried)s)

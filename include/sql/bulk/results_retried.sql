-- Keeps what became of refused records that were sent once more: accepted, or refused and recorded.
update crm_export_results
set kind = case when external_id = any (%(accepted)s) then 'accepted' else kind end, recorded = true
where kind = 'refused' and external_id = any (%(tried)s)

-- Takes the turn to send to a channel; false where another session is sending to it.
select pg_try_advisory_lock(hashtextextended('crm_export alerts ' || %(channel)s, 0))

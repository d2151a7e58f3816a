-- Takes the lock of a channel; false while another session is sending to it.
select pg_try_advisory_lock(hashtextextended('crm_export alerts ' || %(channel)s, 0))

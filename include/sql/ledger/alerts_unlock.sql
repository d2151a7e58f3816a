-- Releases the lock of a channel.
select pg_advisory_unlock(hashtextextended('crm_export alerts ' || %(channel)s, 0))

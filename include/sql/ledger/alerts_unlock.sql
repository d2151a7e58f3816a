-- Gives back the turn to send to a channel.
select pg_advisory_unlock(hashtextextended('crm_export alerts ' || %(channel)s, 0))

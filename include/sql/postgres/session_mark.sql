-- Marks the session as the exporter's: export_horizon() ignores the transactions of sessions with this lock.
select pg_catalog.pg_try_advisory_lock_shared(724188901, 12)

-- What errors_record.sql answers for a job: how many errors are new, and how many there were before.
select count(*) filter (where attempts = 1)::int, count(*)::int from recorded

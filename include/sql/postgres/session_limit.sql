-- Ends statements of a session that take longer.
select set_config('statement_timeout', %(milliseconds)s::integer::text, false)

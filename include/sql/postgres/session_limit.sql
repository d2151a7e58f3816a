-- Sets the statement timeout of a session.
select set_config('statement_timeout', %(milliseconds)s::integer::text, false)

-- Says whether policies may filter what the session reads; off, a filtered read fails.
select set_config('row_security', %(row_security)s, false)

-- Sets whether policies may filter what the session reads; when off, a filtered read fails.
select set_config('row_security', %(row_security)s, false)

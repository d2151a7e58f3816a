-- Makes the transaction join its manifest by hash: without statistics Postgres assumes that it has few rows.
select set_config('enable_nestloop', 'off', true)

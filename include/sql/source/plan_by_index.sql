-- Makes the transaction use index scans: Postgres would otherwise scan a large table completely for each window.
select set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true)

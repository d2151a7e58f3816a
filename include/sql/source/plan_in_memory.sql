-- Lets the transaction look half a million hashes up in memory; a plan that reads them for each row would never end.
select set_config('work_mem', '64MB', true)

-- Makes the transaction read tables along their indexes: a window of a large table is otherwise read by reading all of it.
select set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true)

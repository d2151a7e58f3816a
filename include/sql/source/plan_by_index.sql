-- Makes the transaction read the source along its indexes: a window of a large table is otherwise read by reading all of it.
set local enable_seqscan = off

-- Lets the statements of the transaction see what was committed before it, and nothing of what is committed meanwhile.
set transaction isolation level repeatable read

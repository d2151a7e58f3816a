-- Finds the keys that no row has. Compares texts, so that the result depends on neither an index nor the key's type.
select wanted.record_key
from unnest(%(keys)s::text[]) wanted (record_key)
where not exists (select 1 from {source} s where ({key_text} collate "C") = (wanted.record_key collate "C"))

-- Contacts.
insert into mm.biz_contacts (id, email, accountid, lead_source, _created_date, _modified_date)
select '003MM' || lpad(n::text, 10, '0'), 'contact' || n || '@company' || (1 + n %% %(accounts)s::int) || '.example',
       '001MM' || lpad((1 + n %% %(accounts)s::int)::text, 10, '0'), (array['Web', 'Event', 'Partner'])[1 + n %% 3],
       now() - interval '30 days', now() - interval '30 days' + n * interval '1 minute'
from generate_series(1, %(contacts)s::int) n

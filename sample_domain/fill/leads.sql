-- Leads; 25 of 400 are converted, a rule about the status reason rejects the last 40 of 400.
insert into mm.biz_leads (id, email, company, lead_source, is_converted, converted_contact_id, accountid,
                          _created_date, _modified_date)
select '00QMM' || lpad(n::text, 10, '0'), 'person' || n || '@company' || (1 + n %% %(accounts)s::int) || '.example',
       'Company ' || (1 + n %% %(accounts)s::int), (array['Web', 'Event', 'Partner'])[1 + n %% 3],
       n %% 400 between 300 and 324,
       case when n %% 400 between 300 and 324 then '003MM' || lpad((1 + n %% %(contacts)s::int)::text, 10, '0') end,
       '001MM' || lpad((1 + n %% %(accounts)s::int)::text, 10, '0'),
       now() - interval '30 days', now() - interval '30 days' + n * interval '1 minute'
from generate_series(1, %(leads)s::int) n

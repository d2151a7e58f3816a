-- Campaign members: contacts that the org has not deleted, in campaigns that it accepts.
insert into mm.biz_campaign_members (id, campaign_id, contact_id, status, _created_date, _modified_date)
select 'CM_' || lpad(n::text, 8, '0'), 'CMP_' || lpad((1 + n %% (%(campaigns)s::int - 1))::text, 6, '0'),
       '003MM' || lpad((1 + n %% 250)::text, 10, '0'),
       (array['Sent', 'Received', 'Responded'])[1 + (n + %(seed)s) %% 3],
       now() - interval '30 days', now() - interval '30 days' + n * interval '1 minute'
from generate_series(1, %(campaign_members)s::int) n

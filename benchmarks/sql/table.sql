-- The source of the benchmarks: twenty exported columns, about 355 bytes of CSV per row, and the change time.
create schema if not exists bench;
create unlogged table {table} (
    id text primary key,
    name text not null,
    email text not null,
    city text not null,
    country text not null,
    active boolean not null,
    score numeric not null,
    amount numeric not null,
    visits integer not null,
    since date not null,
    seen timestamptz not null,
    channel text not null,
    medium text not null,
    origin text not null,
    landing_page text not null,
    referrer text not null,
    campaign text not null,
    keyword text,
    notes text not null,
    reject text not null,
    changed_at timestamptz not null
);

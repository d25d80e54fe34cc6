-- name: session
-- purpose: make definitions independent of the session: qualified names, one format of constants (till commit)
select
    set_config('search_path', '', true),
    set_config('row_security', 'off', true),
    set_config('quote_all_identifiers', 'off', true),
    set_config('DateStyle', 'ISO', true),
    set_config('IntervalStyle', 'postgres', true),
    set_config('TimeZone', 'UTC', true),
    set_config('bytea_output', 'hex', true),
    set_config('extra_float_digits', '1', true)
